// Question: what does re-pointing a stack while it is copied cost, beside memcpy of the same bytes?
#include "policies.hpp"

#include "base/relocate.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>

namespace {

using namespace growstack::grow;

// Two stacks with `live_bytes` in use at their page-aligned high ends; in one of them a tenth of the words point into
// it, as in the frames of ordinary code, and the others hold small numbers or addresses elsewhere.
class stack_pair {
public:
    explicit stack_pair(std::size_t live_bytes)
        : live_bytes_{live_bytes}, bytes_{(live_bytes + 4095) / 4096 * 4096}, from_{make()}, to_{make()} {
        std::mt19937_64 random{1};
        for (std::size_t i = 0; i < words(); ++i)
            from()[i] = random() % 10 == 0 ? from_range().lo + random() % bytes_ : random();
        std::memset(to(), 0, live_bytes_);
    }

    std::uintptr_t* from() const { return live(from_.get()); }
    std::uintptr_t* to() const { return live(to_.get()); }
    std::size_t live_bytes() const { return live_bytes_; }
    std::size_t words() const { return live_bytes_ / sizeof(std::uintptr_t); }

    displacement moved() const { return {from_range(), reinterpret_cast<std::uintptr_t>(to_.get()) - from_range().lo}; }

private:
    struct release {
        void operator()(char* p) const { std::free(p); }
    };
    using memory = std::unique_ptr<char, release>;

    memory make() const { return memory{static_cast<char*>(std::aligned_alloc(4096, bytes_))}; }
    std::uintptr_t* live(char* lo) const { return reinterpret_cast<std::uintptr_t*>(lo + bytes_ - live_bytes_); }
    bounds from_range() const {
        const auto lo = reinterpret_cast<std::uintptr_t>(from_.get());
        return {lo, lo + bytes_};
    }

    std::size_t live_bytes_, bytes_;
    memory from_, to_;
};

// Live stacks seldom end on a cache line.
std::size_t live_bytes_of(const benchmark::State& state) { return static_cast<std::size_t>(state.range(0)) - 40; }

void copy_only(benchmark::State& state) {
    const stack_pair stacks{live_bytes_of(state)};
    auto* const to = stacks.to();
    const auto* const from = stacks.from();
    for (auto _ : state) {
        std::memcpy(to, from, stacks.live_bytes());
        benchmark::ClobberMemory();
    }
}

void copy_and_repoint(benchmark::State& state, const relocate_kernel& kernel) {
    if (!kernel.is_supported) return state.SkipWithError("this CPU lacks it");
    const stack_pair stacks{live_bytes_of(state)};
    auto* const to = stacks.to();
    const auto* const from = stacks.from();
    const displacement moved = stacks.moved();
    for (auto _ : state) {
        kernel.run(to, from, stacks.words(), moved);
        benchmark::ClobberMemory();
    }
}

void add_sizes(benchmark::internal::Benchmark* b) {
    b->Arg(2 << 10)->Arg(8 << 10)->Arg(32 << 10)->Arg(128 << 10)->Arg(1 << 20);
    b->ComputeStatistics("min", bench::minimum);
}

} // namespace

int main(int argc, char** argv) {
    add_sizes(benchmark::RegisterBenchmark("relocate/memcpy", copy_only));
    for (const relocate_kernel& kernel : relocate_kernels())
        add_sizes(
            benchmark::RegisterBenchmark((std::string{"relocate/"} + kernel.name).c_str(), copy_and_repoint, kernel));
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
