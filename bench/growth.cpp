// Question: what does it cost to reach a depth for the first time on a stack that starts small, and what does going
// there again cost?
//
// In a new coroutine, on memory that earlier ones have used, the same recursion runs twice with a clock around each.
// `first_ns - again_ns` is what growing cost; `again_ns` beside that of the fixed stack, what is paid every time.
#include "policies.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace {

// One frame is about 100 bytes, as the ones of Go that the aim compares with. The addition after the call keeps the
// recursion a recursion.
[[gnu::noinline]] int recurse(std::size_t frames, char* top, std::size_t& depth_bytes) {
    volatile char local[88];
    local[0] = static_cast<char>(frames);
    if (frames == 0) {
        depth_bytes = reinterpret_cast<std::uintptr_t>(top) - reinterpret_cast<std::uintptr_t>(&local[0]);
        return local[0];
    }
    return recurse(frames - 1, top, depth_bytes) + local[0];
}

// The check keeps a headroom free; 64 KiB more than the depth is room for that and for the clock.
std::size_t fixed_bytes_for(std::size_t depth_bytes) { return depth_bytes + 65536; }

// Returns how many bytes `frames` frames take.
std::size_t depth_of(std::size_t frames) {
    std::size_t depth_bytes = 0;
    bench::run_on(bench::policy::fixed, fixed_bytes_for(frames * 1024), [&] {
        char top = 0;
        recurse(frames, &top, depth_bytes);
    });
    return depth_bytes;
}

// Compilers differ.
std::size_t frame_bytes() {
    static const std::size_t bytes = depth_of(101) - depth_of(100);
    return bytes;
}

std::size_t frames_to_reach(std::size_t bytes) { return (bytes - depth_of(0)) / frame_bytes(); }

struct sample {
    double first_ns, again_ns;
    growstack::stack_stats stats;
};

sample measure(bench::policy p, std::size_t frames, std::size_t depth_bytes) {
    using clock = std::chrono::steady_clock;
    const auto ns = [](clock::duration d) { return std::chrono::duration<double, std::nano>(d).count(); };
    sample s{};
    s.stats = bench::run_on(p, fixed_bytes_for(depth_bytes), [&] {
        char top = 0;
        std::size_t reached_bytes = 0;
        const auto start = clock::now();
        benchmark::DoNotOptimize(recurse(frames, &top, reached_bytes));
        const auto between = clock::now();
        benchmark::DoNotOptimize(recurse(frames, &top, reached_bytes));
        const auto end = clock::now();
        s.first_ns = ns(between - start);
        s.again_ns = ns(end - between);
    });
    return s;
}

double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

void growth(benchmark::State& state, bench::policy p) {
    const auto wanted_bytes = static_cast<std::size_t>(state.range(0));
    const std::size_t frames = frames_to_reach(wanted_bytes);
    std::vector<double> first, again;
    sample s = measure(p, frames, wanted_bytes); // warms the memory
    for (auto _ : state) {
        s = measure(p, frames, wanted_bytes);
        first.push_back(s.first_ns);
        again.push_back(s.again_ns);
        state.SetIterationTime(s.first_ns * 1e-9);
    }
    state.counters["first_ns"] = median(first);
    state.counters["again_ns"] = median(again);
    state.counters["frame_bytes"] = static_cast<double>(frame_bytes());
    state.counters["reached_bytes"] = static_cast<double>(depth_of(frames));
    state.counters["moves"] = static_cast<double>(s.stats.moves);
    state.counters["bytes_copied"] = static_cast<double>(s.stats.bytes_copied);
    state.counters["chunks_linked"] = static_cast<double>(s.stats.chunks_linked);
}

} // namespace

int main(int argc, char** argv) {
    for (const bench::policy p : bench::all_policies)
        for (std::int64_t bytes = 4 << 10; bytes <= 8 << 20; bytes *= 2)
            benchmark::RegisterBenchmark((std::string{"growth/"} + bench::name(p)).c_str(), growth, p)
                ->Arg(bytes)
                ->Iterations(std::max<std::int64_t>(5, (8 << 20) / bytes / 2))
                ->UseManualTime();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
