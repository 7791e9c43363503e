// For code without checks: kinds of stack, and ways to stand at a chosen place of one.
#pragma once

#include "../support.hpp"

#include <alloca.h>

#include <cstdint>

namespace test {

inline constexpr std::size_t page = growstack::detail::page_bytes;

// The smallest stacks: everything that these tests call runs into the guard.
struct smallest_contiguous {
    using stack = growstack::contiguous_stack;
    static constexpr growstack::stack_options options{.initial_bytes = page};
};
// Without a room, each fault at the guard moves the stack.
struct roomless_contiguous {
    using stack = growstack::contiguous_stack;
    static constexpr growstack::stack_options options{.initial_bytes = page, .room_bytes = 0};
};
struct smallest_segmented {
    using stack = growstack::segmented_stack;
    static constexpr growstack::stack_options options{.initial_bytes = page, .chunk_bytes = page};
};
struct reserved {
    using stack = growstack::reserved_stack;
    static constexpr growstack::stack_options options{.max_bytes = 64 << 20};
};
struct smallest_fixed {
    using stack = growstack::fixed_stack;
    static constexpr growstack::stack_options options{.initial_bytes = page};
};

/// Returns the lowest address of the memory that the running coroutine's innermost frames are on.
inline std::uintptr_t lowest_address() { return growstack::grow::this_thread().running->innermost().lo; }

/// Calls `f` with sp a little below lowest_address() + offset, if it is above that now. Not instrumented: an alloca
/// would be larger.
[[gnu::noinline, gnu::no_sanitize_address]] inline void call_at(std::ptrdiff_t offset, void (*f)(void*),
                                                                void* argument) {
    const auto target = static_cast<std::ptrdiff_t>(lowest_address()) + offset;
    const auto here = reinterpret_cast<std::ptrdiff_t>(__builtin_frame_address(0));
    volatile char* space = nullptr;
    if (here > target) {
        space = static_cast<char*>(alloca(static_cast<std::size_t>(here - target)));
        *space = 1;
    }
    f(argument);
    opaque(space);
}

template <class F>
void at_offset(std::ptrdiff_t offset, F&& f) {
    call_at(offset, &call<std::remove_reference_t<F>>, address(f));
}

/// Runs `body(offset)` in a new coroutine for each offset of sp from the stack's lowest address, from `first` on, in
/// steps of 16 over two pages.
template <class Kind, class Body>
void for_each_offset(Body&& body, std::ptrdiff_t first = -128) {
    for (std::ptrdiff_t offset = first; offset < first + 2 * static_cast<std::ptrdiff_t>(page); offset += 16)
        run<Kind>([&] { at_offset(offset, [&] { body(); }); });
}

} // namespace test

#define GROWSTACK_EACH_KIND_UNDER_ANY_CODE test::smallest_contiguous, test::roomless_contiguous, test::reserved
