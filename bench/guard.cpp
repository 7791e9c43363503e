// Question: what does it cost when code without checks runs into the guard page, beside the least that a SIGSEGV costs
// which makes one page accessible?
//
// The clock stands around one touch: the first byte below the stack of a new coroutine of 4 KiB. Compiled without
// checks.
#include "policies.hpp"

#include <benchmark/benchmark.h>

#include <signal.h>
#include <sys/mman.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using clock = std::chrono::steady_clock;

double seconds(clock::duration d) { return std::chrono::duration<double>(d).count(); }

// The least that a handler can do.
constexpr std::size_t page_bytes = growstack::detail::page_bytes;
constexpr int madv_guard_install = 102, madv_guard_remove = 103; // Linux 6.13
bool has_guard_regions = true;

bool set_guard(void* page, bool is_installed) {
    if (has_guard_regions && madvise(page, page_bytes, is_installed ? madv_guard_install : madv_guard_remove) == 0)
        return true;
    has_guard_regions = false;
    return mprotect(page, page_bytes, is_installed ? PROT_NONE : PROT_READ | PROT_WRITE) == 0;
}

void open_page(int, siginfo_t* info, void*) {
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr) & ~(page_bytes - 1);
    set_guard(reinterpret_cast<void*>(address), false);
}

void bare_fault(benchmark::State& state) {
    void* const page = mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction least{}, ours;
    least.sa_sigaction = open_page;
    least.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &least, &ours);
    for (auto _ : state) {
        if (!set_guard(page, true)) state.SkipWithError("no guard");
        const auto start = clock::now();
        *static_cast<volatile char*>(page) = 1;
        state.SetIterationTime(seconds(clock::now() - start));
    }
    sigaction(SIGSEGV, &ours, nullptr);
    munmap(page, page_bytes);
}

// A frame that ends one byte below the stack's memory.
[[gnu::noinline]] clock::duration touch_below_the_stack() {
    char here;
    const auto lo = growstack::grow::this_thread().running->memory.lo;
    const std::size_t bytes = reinterpret_cast<std::uintptr_t>(&here) - lo;
    const auto start = clock::now();
    volatile char* const frame = static_cast<char*>(__builtin_alloca(bytes));
    frame[0] = 1;
    return clock::now() - start;
}

template <class Stack>
void guard_fault(benchmark::State& state, growstack::stack_options options) {
    options.initial_bytes = page_bytes;
    growstack::stack_stats stats;
    for (auto _ : state) {
        clock::duration time;
        growstack::coroutine<Stack> c{[&] {
                                          time = touch_below_the_stack();
                                          stats = growstack::this_coroutine::stats();
                                      },
                                      options};
        c.resume();
        state.SetIterationTime(seconds(time));
    }
    state.counters["guard_faults"] = static_cast<double>(stats.guard_faults);
    state.counters["moves"] = static_cast<double>(stats.moves);
}

void in_place(benchmark::State& state) { guard_fault<growstack::contiguous_stack>(state, {}); }
void move(benchmark::State& state) { guard_fault<growstack::contiguous_stack>(state, {.room_bytes = 0}); }

BENCHMARK(bare_fault)->Name("guard/bare/fault")->UseManualTime()->ComputeStatistics("min", bench::minimum);
BENCHMARK(in_place)->Name("guard/in_place/fault")->UseManualTime()->ComputeStatistics("min", bench::minimum);
BENCHMARK(move)->Name("guard/move/fault")->UseManualTime()->ComputeStatistics("min", bench::minimum);

} // namespace

// The handlers and the alternate stack are set up by the first resume.
int main(int argc, char** argv) {
    growstack::coroutine{[] {}}.resume();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
