// Ways to run code without checks at a chosen place of a growing stack. Nothing here is compiled with -fsplit-stack.
#pragma once

#include "../../support.hpp"

#include <growstack/growstack.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <type_traits>

namespace guard {

/// Tells Clang's and GCC's optimiser that `p`'s object is in memory and may be changed here.
inline void opaque(volatile void* p) { asm volatile("" : : "r"(p) : "memory"); }

/// Calls `f(argument)` at least `depth_bytes` below the running coroutine's first frame, at most 250 more. Sinks in
/// small frames that touch the stack on the way, so that it grows step by step. A depth, not an address: the stack may
/// move.
void sink_to(std::size_t depth_bytes, void (*f)(void*), void* argument);

/// Where a stack runs out: of its first memory, where the growth room is opened; and of the room, where it moves.
enum class boundary { memory, room };

/// What a sweep's coroutines went through, together.
struct sweep_counts {
    std::size_t positions = 0;
    std::size_t moves = 0;
    std::size_t guard_faults = 0;
};

/// Calls `f` at each place above the boundary, in steps of 16 bytes, each time in a new coroutine: over two pages of
/// the memory; over six pages of the room, for the last four may be kept for the frame that does not fit.
template <class F>
sweep_counts sweep(boundary where, F&& f) {
    constexpr growstack::stack_options options{.initial_bytes = 16 * 1024};
    const std::size_t boundary_bytes = options.initial_bytes + (where == boundary::room ? options.room_bytes : 0);
    const std::size_t swept_bytes = (where == boundary::room ? 6 : 2) * std::size_t{4096};
    sweep_counts sum;
    for (std::size_t depth = boundary_bytes - swept_bytes; depth < boundary_bytes; depth += 16) {
        const growstack::stack_stats stats = test::run<test::smallest_contiguous>(
            [&] { sink_to(depth, &test::call<std::remove_reference_t<F>>, test::address(f)); }, options);
        ++sum.positions;
        sum.moves += stats.moves;
        sum.guard_faults += stats.guard_faults;
    }
    return sum;
}

/// Sweeps one boundary. `f` returns whether it went right. Returns whether it always did, and did make the stack grow
/// in place at the first boundary or move at the second one.
template <class F>
bool is_right_at(boundary where, F&& f) {
    std::size_t right = 0, grown = 0;
    const sweep_counts sum = sweep(where, [&] {
        const growstack::stack_stats before = growstack::this_coroutine::stats();
        right += f();
        const growstack::stack_stats after = growstack::this_coroutine::stats();
        grown += where == boundary::memory ? after.guard_faults > before.guard_faults : after.moves > before.moves;
    });
    return right == sum.positions && grown > 0;
}

template <class F>
void check_at_boundaries(F&& f) {
    CHECK(is_right_at(boundary::memory, f));
    CHECK(is_right_at(boundary::room, f));
}

/// Returns whether `f` returns true in a child process: for what would end the program where the library is wrong.
template <class F>
bool is_right_in_child(F f) {
    static F* callable;
    callable = &f;
    const test::child_end end = test::run_in_child([] { std::_Exit((*callable)() ? 0 : 1); });
    if (end.signal) MESSAGE("signal " << end.signal << ": " << end.error_text);
    return end.signal == 0 && end.exit_code == 0;
}

/// Sweeps both boundaries, in a child process.
template <class F>
bool is_right_everywhere(F f) {
    return is_right_in_child([&] { return is_right_at(boundary::memory, f) && is_right_at(boundary::room, f); });
}

} // namespace guard
