// Question: what does a whole program's way of using its stack cost on each kind of stack? The patterns are those of
// the literature on growing stacks: recursive ones (fib, tak, ack, motzkin, quicksort), a loop that calls over the end
// of the first stack, a generator that yields from a recursion, and a walk of depths at random.
//
// Each pattern runs in a new coroutine with default sizes, on warm memory; the fixed stack is large enough, and
// somebody had to know that.
#include <growstack/growstack.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

namespace {

using namespace growstack;

constexpr std::size_t large_enough = 2 << 20;

[[gnu::noinline]] int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

[[gnu::noinline]] int tak(int x, int y, int z) {
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

// Deep, and up and down there: the recursion that chunks like least.
[[gnu::noinline]] int ack(int m, int n) { return m == 0 ? n + 1 : n == 0 ? ack(m - 1, 1) : ack(m - 1, ack(m, n - 1)); }

// The paths of n steps up, down or level that never go below where they start, and end there.
[[gnu::noinline]] int motzkin(int steps, int height) {
    if (height < 0 || height > steps) return 0;
    return steps == 0 ? 1
                      : motzkin(steps - 1, height - 1) + motzkin(steps - 1, height) + motzkin(steps - 1, height + 1);
}

using numbers = std::array<int, 4096>;

// By the first element: on sorted input the recursion is as deep as the array is long.
[[gnu::noinline]] void quicksort(int* lo, int* hi) {
    if (hi - lo < 2) return;
    int* const middle = std::partition(lo + 1, hi, [pivot = *lo](int x) { return x < pivot; });
    std::iter_swap(lo, middle - 1);
    quicksort(lo, middle - 1);
    quicksort(middle, hi);
}

int sort_mixed_and_sorted() {
    static numbers values;
    std::uint32_t random = 1;
    for (int& value : values) value = static_cast<int>((random = random * 1664525 + 1013904223) >> 8);
    quicksort(values.data(), values.data() + values.size());
    quicksort(values.data(), values.data() + values.size() / 4);
    return values[7] ^ values[4000];
}

[[gnu::noinline]] int down(int frames) {
    volatile char frame[64];
    frame[0] = static_cast<char>(frames);
    return (frames == 0 ? 0 : down(frames - 1)) + frame[0];
}

[[gnu::noinline]] int leaf(int x) {
    volatile char frame[512];
    frame[0] = static_cast<char>(x);
    return frame[0] + 1;
}

[[gnu::noinline]] int call_below(int frames, int times) {
    volatile char frame[64];
    frame[0] = 0;
    int sum = 0;
    if (frames > 0) return call_below(frames - 1, times) + frame[0];
    for (int i = 0; i < times; ++i) sum += leaf(sum & 1);
    return sum;
}

// From each depth up to 8 KiB in turn: one of them calls over the end of the first stack, and one over that of the
// next.
int loop_over_boundary() {
    int sum = 0;
    for (int frames = 0; frames < 80; ++frames) sum += call_below(frames, 200);
    return sum;
}

// A random depth of up to 64 KiB, then another, 400 times.
int walk() {
    int sum = 0;
    std::uint32_t random = 1;
    for (int i = 0; i < 400; ++i) sum += down(static_cast<int>((random = random * 1664525 + 1013904223) >> 16) % 640);
    return sum;
}

[[gnu::noinline]] void visit(int depth) {
    this_coroutine::yield();
    if (depth == 0) return;
    visit(depth - 1);
    visit(depth - 1);
}

constexpr struct {
    const char* name;
    int (*run)();
} patterns[] = {
    {"fib", [] { return fib(20); }},
    {"tak", [] { return tak(12, 8, 4); }},
    {"ack", [] { return ack(2, 250); }},
    {"motzkin", [] { return motzkin(11, 0); }},
    {"quicksort", sort_mixed_and_sorted},
    {"boundary", loop_over_boundary},
    {"walk", walk},
};

template <class Stack>
int result_on(const stack_options& options, int (*run)()) {
    int result = 0;
    coroutine<Stack> c{[&] { result = run(); }, options};
    c.resume();
    return result;
}

template <class Stack>
void run_pattern(benchmark::State& state, const stack_options& options, int (*run)()) {
    const int expected = result_on<fixed_stack>({.initial_bytes = large_enough}, run);
    for (auto _ : state)
        if (result_on<Stack>(options, run) != expected) state.SkipWithError("another result than on a fixed stack");
}

// 2,047 yields from up to ten calls deep, and each resume goes back there.
template <class Stack>
void run_generator(benchmark::State& state, const stack_options& options) {
    for (auto _ : state) {
        coroutine<Stack> c{[] { visit(10); }, options};
        int yields = -1;
        for (; !c.done(); ++yields) c.resume();
        if (yields != 2047) state.SkipWithError("another number of yields");
    }
}

template <class Stack>
void add(const char* stack, const stack_options& options) {
    const auto name = [stack](const char* pattern) { return std::string{"patterns/"} + stack + '/' + pattern; };
    for (const auto& [pattern, run] : patterns)
        benchmark::RegisterBenchmark(name(pattern).c_str(), run_pattern<Stack>, options, run);
    benchmark::RegisterBenchmark(name("generator").c_str(), run_generator<Stack>, options);
}

} // namespace

int main(int argc, char** argv) {
    add<segmented_stack>("segmented_eager", {.release = chunk_release::eager});
    add<segmented_stack>("segmented_keep_one", {.release = chunk_release::keep_one});
    add<contiguous_stack>("contiguous", contiguous_stack::defaults);
    add<reserved_stack>("reserved", reserved_stack::defaults);
    add<fixed_stack>("fixed", {.initial_bytes = large_enough});
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
