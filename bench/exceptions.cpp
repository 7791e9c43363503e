// Question: what does a throw through N frames cost, on a stack of chunks or one that has moved, beside a fixed stack?
//
// The clock stands around the throw and the arrival in the handler. Frames are those of growth.cpp: 100 of them are
// more than a first stack holds, so on segmented stacks the unwinder crosses chunks; before each throw they are linked
// anew.
#include "policies.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t fixed_bytes = 256 << 10;

struct thrown {
    clock::time_point at;
};

// The addition after the call keeps the recursion a recursion.
[[gnu::noinline]] int descend_and_throw(std::int64_t frames) {
    volatile char local[88];
    local[0] = static_cast<char>(frames);
    if (frames == 1) throw thrown{clock::now()};
    return descend_and_throw(frames - 1) + local[0];
}

double seconds_to_catch(std::int64_t frames) {
    try {
        descend_and_throw(frames);
    } catch (const thrown& t) {
        return std::chrono::duration<double>(clock::now() - t.at).count();
    }
    return 0;
}

// The first throw is not counted: what grows once has grown, and what the unwinder looks up once it has found.
void throw_through(benchmark::State& state, bench::policy p) {
    const growstack::stack_stats stats = bench::run_on(p, fixed_bytes, [&] {
        seconds_to_catch(state.range(0));
        for (auto _ : state) state.SetIterationTime(seconds_to_catch(state.range(0)));
    });
    state.counters["moves"] = static_cast<double>(stats.moves);
    const auto throws = static_cast<double>(state.iterations() + 1);
    state.counters["chunks_linked"] = static_cast<double>(stats.chunks_linked) / throws;
}

} // namespace

int main(int argc, char** argv) {
    for (const bench::policy p : bench::all_policies)
        benchmark::RegisterBenchmark((std::string{"exceptions/"} + bench::name(p)).c_str(), throw_through, p)
            ->RangeMultiplier(10)
            ->Range(1, 1000)
            ->UseManualTime()
            ->ComputeStatistics("min", bench::minimum);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
