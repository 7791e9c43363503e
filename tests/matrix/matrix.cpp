// One cell of the matrix: recurses in a coroutine with the policy and the check that are named, and prints what becomes of it.
//
//      matrix POLICY CHECK far        1 MiB deep from a small first stack: "moves", "links", "extends"
//      matrix POLICY CHECK endless    until max_bytes, 4 MiB, is reached
//
// An overflow that is thrown prints "throws stack_overflow"; others end the process, which ../matrix.py sees. This file is
// compiled with different flags by different compilers.
#include <growstack/growstack.hpp>

#include <cstddef>
#include <cstdio>
#include <cstring>

#if __has_include(<growstack/call.hpp>)
#include <growstack/call.hpp>
#define MATRIX_HAS_CALL 1
#endif

#ifdef MATRIX_CHECKED
#define MATRIX_UNCHECKED [[gnu::no_split_stack]]
#else
#define MATRIX_UNCHECKED
#endif

namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t frame_bytes = 256; // about that
constexpr std::size_t far_levels = 1024 * kib / frame_bytes;
constexpr std::size_t endless = SIZE_MAX;

using recursion = std::size_t (*)(std::size_t levels);

// Runs the next level, and holds on to its own frame.
template <class Call>
[[gnu::always_inline]] inline std::size_t recurse(std::size_t levels, Call&& call) {
    char frame[frame_bytes];
    std::memset(frame, static_cast<int>(levels % 128), sizeof frame);
    asm volatile("" : : "r"(frame) : "memory");
    const std::size_t below = levels ? call(levels - 1) : 0;
    asm volatile("" : : "r"(frame) : "memory");
    return below + (frame[levels % frame_bytes] == static_cast<char>(levels % 128));
}

#ifdef MATRIX_CHECKED
std::size_t by_compiler(std::size_t levels) { return recurse(levels, by_compiler); }
#endif

MATRIX_UNCHECKED std::size_t by_guard(std::size_t levels);
std::size_t by_guard(std::size_t levels) { return recurse(levels, by_guard); }

#ifdef MATRIX_HAS_CALL
MATRIX_UNCHECKED std::size_t by_probe(std::size_t levels);
struct probed_call {
    [[gnu::always_inline]] std::size_t operator()(std::size_t levels) const { return growstack::call<1024>(by_probe, levels); }
};
std::size_t by_probe(std::size_t levels) { return recurse(levels, probed_call{}); }
#endif

// Null: this build does not have the check.
recursion recursion_by(const char* check) {
    if (!std::strcmp(check, "guard")) return by_guard;
#ifdef MATRIX_CHECKED
    if (!std::strcmp(check, "compiler")) return by_compiler;
#endif
#ifdef MATRIX_HAS_CALL
    if (!std::strcmp(check, "probe")) return by_probe;
#endif
    return nullptr;
}

const char* what_grew(const growstack::stack_stats& stats) {
    if (stats.moves) return "moves";
    if (stats.chunks_linked) return "links";
    return "extends";
}

template <class Stack>
int run(recursion f, std::size_t levels, growstack::stack_options options) {
    const char* outcome = "wrong";
    growstack::coroutine<Stack> c{[&] {
                                      try {
                                          if (f(levels) == levels + 1) outcome = what_grew(growstack::this_coroutine::stats());
                                      } catch (const growstack::stack_overflow&) {
                                          outcome = "throws stack_overflow";
                                      }
                                  },
                                  options};
    c.resume();
    std::puts(outcome);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const recursion f = recursion_by(argv[2]);
    if (!f) return std::puts("not built"), 0;
    const bool is_far = !std::strcmp(argv[3], "far");
    const std::size_t levels = is_far ? far_levels : endless;
    const std::size_t max_bytes = is_far ? 16 * 1024 * kib : 4 * 1024 * kib;
    const char* const policy = argv[1];
    if (!std::strcmp(policy, "contiguous")) return run<growstack::contiguous_stack>(f, levels, {.max_bytes = max_bytes});
    if (!std::strcmp(policy, "segmented")) return run<growstack::segmented_stack>(f, levels, {.max_bytes = max_bytes});
    if (!std::strcmp(policy, "reserved"))
        return run<growstack::reserved_stack>(f, levels, {.max_bytes = max_bytes, .room_bytes = 0});
    if (!std::strcmp(policy, "fixed"))
        return run<growstack::fixed_stack>(f, levels, {.initial_bytes = 128 * kib, .room_bytes = 0});
    return 2;
}
