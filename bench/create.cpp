// Question: what does a coroutine cost that does next to nothing: create, run, finish, destroy? Beside fcontext on a
// stack that is ready, the least that a stackful coroutine can do.
#include "policies.hpp"

#include <benchmark/benchmark.h>
#include <boost/context/detail/fcontext.hpp>

#include <memory>

namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constexpr std::size_t stack_bytes = 16 << 10;

void run_once(transfer_t from) { jump_fcontext(from.fctx, nullptr); }

void yield_once(transfer_t from) {
    from = jump_fcontext(from.fctx, nullptr);
    jump_fcontext(from.fctx, nullptr);
}

template <void (*Body)(transfer_t), int resumes>
void ready_stack(benchmark::State& state) {
    const auto memory = std::make_unique<char[]>(stack_bytes);
    for (auto _ : state) {
        auto context = make_fcontext(memory.get() + stack_bytes, stack_bytes, Body);
        for (int i = 0; i < resumes; ++i) context = jump_fcontext(context, nullptr).fctx;
        benchmark::DoNotOptimize(context);
    }
}

template <class Stack, bool yields>
void coroutine(benchmark::State& state) {
    for (auto _ : state) {
        growstack::coroutine<Stack> c{[] {
            if constexpr (yields) growstack::this_coroutine::yield();
        }};
        c.resume();
        if constexpr (yields) c.resume();
        benchmark::DoNotOptimize(c);
    }
}

#define ROWS(parameter, body, resumes, yields)                \
    BENCHMARK(ready_stack<body, resumes>)                     \
        ->Name("create/raw_fcontext/" parameter)              \
        ->ComputeStatistics("min", bench::minimum);           \
    BENCHMARK(coroutine<growstack::contiguous_stack, yields>) \
        ->Name("create/contiguous/" parameter)                \
        ->ComputeStatistics("min", bench::minimum);           \
    BENCHMARK(coroutine<growstack::segmented_stack, yields>)  \
        ->Name("create/segmented/" parameter)                 \
        ->ComputeStatistics("min", bench::minimum);           \
    BENCHMARK(coroutine<growstack::fixed_stack, yields>)      \
        ->Name("create/fixed/" parameter)                     \
        ->ComputeStatistics("min", bench::minimum)

ROWS("run", run_once, 1, false);
ROWS("yield", yield_once, 2, true);

} // namespace

BENCHMARK_MAIN();
