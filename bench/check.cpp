// Question: what does a check cost a call that finds room? fib, tak and ack, compiled by COMPILER, in a coroutine; the
// guard check is the plain code, on a coroutine's stack and, as "thread", on the thread's.
#include "check_functions.hpp"
#include "policies.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using bench::kind;

void measure(benchmark::State& state, long (*run)(), double calls) {
    for (auto _ : state) benchmark::DoNotOptimize(run());
    state.counters["call_ns"] = benchmark::Counter(calls * static_cast<double>(state.iterations()) * 1e-9,
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void on_thread(benchmark::State& state, long (*run)(), double calls) { measure(state, run, calls); }

void in_coroutine(benchmark::State& state, long (*run)(), double calls) {
    growstack::coroutine<growstack::contiguous_stack> c{[&] { measure(state, run, calls); },
                                                        {.initial_bytes = 64 << 10}};
    c.resume();
}

template <kind Kind>
void add(const char* name, void (*measure)(benchmark::State&, long (*)(), double) = in_coroutine) {
    for (const auto& function : bench::functions<Kind>())
        for (std::size_t layout = 0; layout < function.runs.size(); ++layout)
            benchmark::RegisterBenchmark(
                (std::string{"check/"} + name + '/' + function.name + "-" COMPILER "-" + std::to_string(layout))
                    .c_str(),
                measure, function.runs[layout], static_cast<double>(function.calls))
                ->ComputeStatistics("min", bench::minimum);
}

// The same functions, with their calls counted.
long calls = 0;
long fib(long n) { return ++calls, n < 2 ? n : fib(n - 1) + fib(n - 2); }
long tak(long x, long y, long z) {
    return ++calls, y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}
long ack(long m, long n) { return ++calls, m == 0 ? n + 1 : n == 0 ? ack(m - 1, 1) : ack(m - 1, ack(m, n - 1)); }

constexpr long (*counted[])() = {[] { return fib(22); }, [] { return tak(18, 12, 6); }, [] { return ack(2, 120); }};

template <kind Kind>
void verify() {
    for (std::size_t i = 0; i < std::size(counted); ++i) {
        const auto& function = bench::functions<Kind>()[i];
        calls = 0;
        bool is_right = counted[i]() == function.result && calls == function.calls;
        for (long (*run)() : function.runs) is_right = is_right && run() == function.result;
        if (is_right) continue;
        std::fprintf(stderr, "check: %s returns something else, or is not called %ld times\n", function.name, calls);
        std::exit(1);
    }
}

} // namespace

int main(int argc, char** argv) {
    verify<kind::plain>();
    verify<kind::clash_protection>();
    verify<kind::compiler>();
    verify<kind::probe>();
    add<kind::plain>("thread", on_thread);
    add<kind::plain>("guard");
    add<kind::clash_protection>("clash_protection");
    add<kind::compiler>("compiler");
    add<kind::probe>("probe");
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
