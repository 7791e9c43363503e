// Question: what does a call in a loop cost at each depth of the stack, and how bad is the worst one: the depth at
// which the loop's frame still fits and its callee's does not?
//
// Sweeps the depth in steps of one small frame, past the end of the first stack and past that of the next chunk.
// The callee's frame is over 256 bytes: compilers check smaller ones with sp alone, before the frame is taken. Its code
// is aligned: where it lies within 64 bytes decides how soon it can read what it has stored, and a plain call with 32
// or 48 bytes of displacement takes twice as long as one with 0 or 16, at every depth (Zen 4).
#include "policies.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

namespace {

constexpr std::size_t swept_bytes = 20 * 1024;
constexpr std::size_t fixed_bytes = 128 * 1024;

[[gnu::noinline, gnu::aligned(64)]] int callee(int x) {
    volatile char frame[512];
    frame[0] = static_cast<char>(x);
    return frame[0] + 1;
}

// The first call is not timed: what grows once has grown.
[[gnu::noinline, gnu::aligned(64)]] int loop(benchmark::State& state) {
    int sum = callee(0);
    for (auto _ : state) sum += callee(sum & 1);
    return sum;
}

template <class AtBottom>
[[gnu::noinline]] int descend(std::size_t frames, AtBottom& at_bottom) {
    volatile char local[8];
    local[0] = 0;
    if (frames == 0) return at_bottom() + local[0];
    return descend(frames - 1, at_bottom) + local[0];
}

// Returns how deep the stack is below `frames` frames, where the loop is called.
std::size_t depth_of(std::size_t frames) {
    std::size_t depth_bytes = 0;
    bench::run_on(bench::policy::fixed, fixed_bytes, [&] {
        char top = 0;
        auto measure = [&] {
            char local = 0;
            depth_bytes = reinterpret_cast<std::uintptr_t>(&top) - reinterpret_cast<std::uintptr_t>(&local);
            return 0;
        };
        descend(frames, measure);
    });
    return depth_bytes;
}

void call_at_depth(benchmark::State& state, bench::policy p, std::size_t frames) {
    const growstack::stack_stats stats = bench::run_on(p, fixed_bytes, [&] {
        auto measure = [&] { return loop(state); };
        benchmark::DoNotOptimize(descend(frames, measure));
    });
    state.counters["moves"] = static_cast<double>(stats.moves);
    state.counters["chunks_linked"] = static_cast<double>(stats.chunks_linked);
}

} // namespace

int main(int argc, char** argv) {
    for (std::size_t frames = 0; depth_of(frames) < swept_bytes; ++frames)
        for (const bench::policy p : bench::all_policies)
            benchmark::RegisterBenchmark(
                (std::string{"hot_split/"} + bench::name(p) + '/' + std::to_string(depth_of(frames))).c_str(),
                call_at_depth, p, frames)
                ->Iterations(4000)
                ->ComputeStatistics("min", bench::minimum);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
