// A program for Memcheck, with one error or none: memory uninitialised|stale|clean. Compiled with the compiler's
// checks, and without, when its stacks grow at the guard, at whatever instruction. tests/tools/valgrind/run says how
// each must end.
#include <growstack/growstack.hpp>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;

namespace {

// Hides where a value comes from.
template <class T>
[[gnu::noinline]] T* hidden(T* p) {
    asm volatile("" : "+r"(p) : : "memory");
    return p;
}

[[gnu::noinline]] std::size_t deep(std::size_t levels, void (*at_the_end)()) {
    char room[200];
    hidden(room)[0] = 1;
    if (levels) return deep(levels - 1, at_the_end) + static_cast<std::size_t>(hidden(room)[0]);
    if (at_the_end) at_the_end();
    return 0;
}

// A move at every check takes time in the square of the depth.
std::size_t depth(std::size_t plain) {
#ifdef HAS_CHECKS
    if (growstack::stress().move) return plain / 8;
#endif
    return plain;
}

// A word of which one half is defined: that half must stay so, and the other must not become so. Beside a jump buffer,
// which a move looks for in every word.
struct halves {
    int defined;
    int undefined;
};

void use_halves(bool use_both) {
    halves h;
    hidden(&h)->defined = 7;
    std::jmp_buf env;
    if (setjmp(env) == 0) {
        deep(depth(500), this_coroutine::yield);
        std::longjmp(env, 1);
    }
    if (!this_coroutine::stats().moves) std::abort();
    if (hidden(&h)->defined != 7) std::puts("wrong");
    if (use_both && hidden(&h)->undefined) std::puts("whatever it is");
}

int* kept = nullptr;

void use_stale_pointer() {
    int local = 1;
    kept = hidden(&local);
    deep(depth(500), nullptr);
    if (!this_coroutine::stats().moves) std::abort();
    std::printf("%d\n", *kept);
}

template <class Stack>
void do_everything(growstack::stack_options options = Stack::defaults) {
    std::vector<growstack::coroutine<Stack>> all;
    for (std::size_t i = 0; i < 30; ++i)
        all.emplace_back(
            [i] {
                this_coroutine::ensure(8 * 1024); // dense stacks
                deep(depth(20 * i), this_coroutine::yield);
                try {
                    deep(depth(10 * i), [] { throw std::runtime_error("x"); });
                } catch (const std::runtime_error& e) {
                    if (std::strcmp(e.what(), "x") != 0) std::abort();
                }
                growstack::native([] { deep(50, nullptr); });
                std::string text = std::to_string(3.5 * static_cast<double>(i));
                deep(depth(20 * i), this_coroutine::yield);
                text += "abc";
            },
            options);
    for (auto& c : all) c.resume();
    for (std::size_t i = 0; i < all.size(); i += 2) std::thread{[&c = all[i]] { c.resume(), c.resume(); }}.join();
    for (auto& c : all) c.trim();
    growstack::trim();
    all.clear(); // half of them are suspended
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "uninitialised" || what == "clean") {
        growstack::coroutine c{[&] { use_halves(what == "uninitialised"); }};
        while (!c.done()) c.resume();
    }
    if (what == "stale") growstack::coroutine{use_stale_pointer}.resume();
    if (what == "clean") {
        do_everything<growstack::contiguous_stack>();
        do_everything<growstack::reserved_stack>();
#ifdef HAS_CHECKS
        do_everything<growstack::segmented_stack>();
        do_everything<growstack::segmented_stack>({.release = growstack::chunk_release::eager});
        do_everything<growstack::contiguous_stack>({.initial_bytes = 2048, .layout = growstack::stack_layout::dense});
#endif
    }
    std::puts("done");
}
