// Question: what does a resume and the yield back cost on each policy, beside the same two jumps of bare fcontext?
#include "policies.hpp"

#include <boost/context/detail/fcontext.hpp>

#include <benchmark/benchmark.h>

#include <vector>

namespace {

using namespace growstack;
namespace fcontext = boost::context::detail;

void jump_back_for_ever(fcontext::transfer_t arrived) {
    for (;;) arrived = fcontext::jump_fcontext(arrived.fctx, nullptr);
}

void raw_fcontext(benchmark::State& state) {
    std::vector<char> stack(detail::default_fixed_bytes);
    fcontext::fcontext_t context = fcontext::make_fcontext(stack.data() + stack.size(), stack.size(),
                                                           jump_back_for_ever);
    for (auto _ : state) context = fcontext::jump_fcontext(context, nullptr).fctx;
}

template <class Stack>
void resume_and_yield(benchmark::State& state) {
    coroutine<Stack> c{[] {
        for (;;) this_coroutine::yield();
    }};
    for (auto _ : state) c.resume();
}

BENCHMARK(raw_fcontext)->Name("switch/raw_fcontext/pair")->ComputeStatistics("min", bench::minimum);
BENCHMARK(resume_and_yield<contiguous_stack>)->Name("switch/contiguous/pair")->ComputeStatistics("min", bench::minimum);
BENCHMARK(resume_and_yield<segmented_stack>)->Name("switch/segmented/pair")->ComputeStatistics("min", bench::minimum);
BENCHMARK(resume_and_yield<fixed_stack>)->Name("switch/fixed/pair")->ComputeStatistics("min", bench::minimum);

} // namespace

BENCHMARK_MAIN();
