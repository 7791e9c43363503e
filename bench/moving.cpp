// Question: what does safe moving cost: a pin where nothing grows, and a move with roots and with dependents?
#include "policies.hpp"

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

namespace {

namespace this_coroutine = growstack::this_coroutine;

constexpr std::size_t live_bytes = 2 << 10; // of each stack
constexpr growstack::stack_options first_stack{.initial_bytes = 16 << 10};

[[gnu::noinline]] void recurse(std::size_t bytes, void (*f)(void*), void* argument) {
    volatile long frame[12];
    frame[0] = 1;
    if (bytes > sizeof frame) recurse(bytes - sizeof frame, f, argument);
    else f(argument);
    frame[1] = 1;
}

template <class F>
void at_depth(std::size_t bytes, F f) {
    recurse(bytes, [](void* callable) { (*static_cast<F*>(callable))(); }, &f);
}

template <bool is_pinned>
void pin(benchmark::State& state) {
    growstack::coroutine<> c{[&state] {
        for (auto _ : state) {
            if constexpr (is_pinned) {
                const growstack::pin pin;
                benchmark::ClobberMemory();
            } else {
                benchmark::ClobberMemory();
            }
        }
    }};
    c.resume();
}

// To larger stacks, and back. Without moves: the same calls on a stack that has grown before.
void move_to_and_fro(benchmark::State& state, bool moves = true) {
    at_depth(20 << 10, [] {});
    const std::size_t moves_before = this_coroutine::stats().moves;
    for (auto _ : state) {
        at_depth(20 << 10, [] {});
        if (moves) this_coroutine::shrink();
        at_depth(64, [] {});
    }
    state.counters["moves"] = static_cast<double>(this_coroutine::stats().moves - moves_before) /
                              static_cast<double>(state.iterations());
}

void without_moves(benchmark::State& state) {
    growstack::coroutine<> c{[&state] { at_depth(live_bytes, [&state] { move_to_and_fro(state, false); }); },
                             first_stack};
    c.resume();
}

void with_dependents(benchmark::State& state) {
    growstack::coroutine<> c{
        [&state] {
            at_depth(live_bytes, [&state] {
                std::vector<growstack::coroutine<>> dependents;
                for (long i = 0; i < state.range(0); ++i) {
                    dependents.emplace_back([] { at_depth(live_bytes, [] { this_coroutine::yield(); }); });
                    dependents.back().resume();
                }
                move_to_and_fro(state);
            });
        },
        first_stack};
    c.resume();
}

void with_roots(benchmark::State& state) {
    growstack::coroutine<> c{[&state] {
                                 at_depth(live_bytes, [&state] {
                                     int local = 0;
                                     const auto count = static_cast<std::size_t>(state.range(0));
                                     const std::vector<growstack::root<int*>> roots(count, &local);
                                     move_to_and_fro(state);
                                 });
                             },
                             first_stack};
    c.resume();
}

BENCHMARK(pin<false>)->Name("moving/no_pin/0");
BENCHMARK(pin<true>)->Name("moving/pin/0");
BENCHMARK(without_moves)->Name("moving/no_move/0");
BENCHMARK(with_dependents)->Name("moving/dependents")->Arg(0)->Arg(1)->Arg(3)->Arg(10);
BENCHMARK(with_roots)->Name("moving/roots")->Arg(0)->Arg(10)->Arg(100);

} // namespace

BENCHMARK_MAIN();
