// Question: what does a check cost a call that finds room? fib(24) in a coroutine, 75,025 calls; the guard check is the plain code,
// on a coroutine's stack and, as "thread", on the thread's.
#include "check_fib.hpp"
#include "policies.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace {

constexpr long n = 24;
constexpr double calls = 75'025 * 2 - 1;

void measure(benchmark::State& state, long (*fib)(long)) {
    for (auto _ : state) benchmark::DoNotOptimize(fib(n));
    state.counters["call_ns"] = benchmark::Counter(calls * static_cast<double>(state.iterations()) * 1e-9,
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void on_thread(benchmark::State& state, long (*fib)(long)) { measure(state, fib); }

void in_coroutine(benchmark::State& state, long (*fib)(long)) {
    growstack::coroutine<growstack::contiguous_stack> c{[&] { measure(state, fib); }, {.initial_bytes = 64 << 10}};
    c.resume();
}

template <bench::kind Kind>
void add(const char* name, void (*run)(benchmark::State&, long (*)(long)) = in_coroutine) {
    int layout = 0;
    for (auto* fib : bench::fibs<Kind>())
        benchmark::RegisterBenchmark((std::string{"check/"} + name + "/layout_" + std::to_string(layout++)).c_str(), run, fib)
            ->ComputeStatistics("min", bench::minimum);
}

} // namespace

int main(int argc, char** argv) {
    add<bench::kind::plain>("thread", on_thread);
    add<bench::kind::plain>("guard");
    add<bench::kind::clash_protection>("clash_protection");
    add<bench::kind::compiler>("compiler");
    add<bench::kind::probe>("probe");
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
