// Ways to run code without checks at a chosen place of a growing stack. Nothing here is compiled with -fsplit-stack.
#pragma once

#include "../support.hpp"

#include <growstack/growstack.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace guard {

// The smallest stacks, so that everything has to grow. A `fixed` that is large gives results to compare with.
struct contiguous {
    using stack = growstack::contiguous_stack;
    static constexpr growstack::stack_options options{.initial_bytes = 4096};
};
struct reserved {
    using stack = growstack::reserved_stack;
    static constexpr growstack::stack_options options{.initial_bytes = 4096, .max_bytes = 128 << 20, .room_bytes = 0};
};
struct fixed {
    using stack = growstack::fixed_stack;
    static constexpr growstack::stack_options options{.initial_bytes = 32 << 20, .room_bytes = 0};
};

/// Tells Clang's and GCC's optimiser that `p`'s object is in memory and may be changed here.
inline void opaque(volatile void* p) { asm volatile("" : : "r"(p) : "memory"); }

/// Calls `f(argument)` with sp at `target`, or at most 200 bytes above, in small frames that touch the stack on the way, so
/// that it grows step by step. No-op on the way down if sp is below already.
void sink_to(std::uintptr_t target, void (*f)(void*), void* argument);

/// Where a stack of 4 KiB or more runs out: of its first memory, where the growth room is opened; and of the room.
enum class boundary { memory, room };

/// The address of that boundary for the running coroutine.
std::uintptr_t address_of(boundary where);

/// What a sweep's coroutines went through, together.
struct sweep_counts {
    std::size_t positions = 0;
    std::size_t moves = 0;
    std::size_t guard_faults = 0;
};

inline constexpr std::size_t sweep_bytes = 2 * 4096;

/// Calls `f` with sp at `offset` above the boundary, in a coroutine of its own.
template <class F>
growstack::stack_stats at_boundary(boundary where, std::size_t offset, F& f) {
    constexpr growstack::stack_options options{.initial_bytes = 16 * 1024};
    return test::run<contiguous>(
        [&] { sink_to(address_of(where) + offset, &test::call<F>, test::address(f)); }, options);
}

/// Calls `f` at each of 512 places: sp above the boundary by 0, 16, ... bytes, up to two pages.
template <class F>
sweep_counts sweep(boundary where, F&& f) {
    sweep_counts sum;
    for (std::size_t offset = 0; offset < sweep_bytes; offset += 16) {
        const growstack::stack_stats stats = at_boundary(where, offset, f);
        ++sum.positions;
        sum.moves += stats.moves;
        sum.guard_faults += stats.guard_faults;
    }
    return sum;
}

/// Sweeps both boundaries. `f` returns whether it went right. Checks that it always did, and that it did make the stack grow
/// in place at the first boundary and move at the second one.
template <class F>
void check_at_boundaries(F&& f) {
    for (const boundary where : {boundary::memory, boundary::room}) {
        CAPTURE(static_cast<int>(where));
        std::size_t right = 0, grown = 0;
        const sweep_counts sum = sweep(where, [&] {
            const growstack::stack_stats before = growstack::this_coroutine::stats();
            right += f();
            const growstack::stack_stats after = growstack::this_coroutine::stats();
            grown += where == boundary::memory ? after.guard_faults > before.guard_faults : after.moves > before.moves;
        });
        CHECK(right == sum.positions);
        CHECK(grown > 0);
    }
}

} // namespace guard

TYPE_TO_STRING(guard::contiguous);
TYPE_TO_STRING(guard::reserved);
TYPE_TO_STRING(guard::fixed);

#define GUARD_EACH_KIND guard::contiguous, guard::reserved, guard::fixed
