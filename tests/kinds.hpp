// The kinds of stack that tests run on, each with the options that a test uses unless it says otherwise.
#pragma once

#include <growstack/detail/address_sanitizer.hpp>
#include <growstack/growstack.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <type_traits>

namespace test {

struct contiguous {
    using stack = growstack::contiguous_stack;
    static constexpr growstack::stack_options options{};
};
struct segmented {
    using stack = growstack::segmented_stack;
    static constexpr growstack::stack_options options{};
};
struct segmented_eager {
    using stack = growstack::segmented_stack;
    static constexpr growstack::stack_options options{.release = growstack::chunk_release::eager};
};
struct reserved {
    using stack = growstack::reserved_stack;
    static constexpr growstack::stack_options options = growstack::reserved_stack::defaults;
};
struct fixed {
    using stack = growstack::fixed_stack;
    static constexpr growstack::stack_options options{.initial_bytes = 4 * 1024 * 1024};
};

// For code without checks: stacks so small that everything it calls runs into the guard...
inline constexpr std::size_t page = growstack::detail::page_bytes;

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
struct smallest_fixed {
    using stack = growstack::fixed_stack;
    static constexpr growstack::stack_options options{.initial_bytes = page};
};

// ... or small, but large enough that a signal handler can be installed before the first fault.
struct small_contiguous {
    using stack = growstack::contiguous_stack;
    static constexpr growstack::stack_options options{.initial_bytes = growstack::grow::has_address_sanitizer ? 4 * page
                                                                                                              : page};
};
struct small_fixed {
    using stack = growstack::fixed_stack;
    static constexpr growstack::stack_options options{};
};

// And stacks to compare with, on which everything fits.
struct large_reserved {
    using stack = growstack::reserved_stack;
    static constexpr growstack::stack_options options{.initial_bytes = page, .max_bytes = 128 << 20, .room_bytes = 0};
};
struct large_fixed {
    using stack = growstack::fixed_stack;
    static constexpr std::size_t bytes = std::size_t{growstack::grow::has_address_sanitizer ? 128 : 32} << 20;
    static constexpr growstack::stack_options options{.initial_bytes = bytes, .room_bytes = 0};
};

template <class Kind>
inline constexpr bool can_move = std::is_same_v<typename Kind::stack, growstack::contiguous_stack>;
template <class Kind>
inline constexpr bool can_link = std::is_same_v<typename Kind::stack, growstack::segmented_stack>;
template <class Kind>
inline constexpr bool can_grow = can_move<Kind> || can_link<Kind>;
/// Whether the kernel gives memory where the stack is touched: no check and no fault of growstack's is needed.
template <class Kind>
inline constexpr bool is_reserved = std::is_same_v<typename Kind::stack, growstack::reserved_stack>;

template <class Kind>
inline constexpr bool is_fixed = std::is_same_v<typename Kind::stack, growstack::fixed_stack>;

/// Returns the options of `Kind` for a first stack of `bytes`. A reserved stack has all of itself at first.
template <class Kind>
constexpr growstack::stack_options with_first_bytes(std::size_t bytes) {
    growstack::stack_options options = Kind::options;
    (is_reserved<Kind> ? options.max_bytes : options.initial_bytes) = bytes;
    return options;
}

} // namespace test

#define GROWSTACK_EACH_GROWING_KIND test::contiguous, test::segmented, test::segmented_eager
#define GROWSTACK_EACH_KIND GROWSTACK_EACH_GROWING_KIND, test::reserved, test::fixed

#define GROWSTACK_EACH_SMALLEST_GROWING_KIND \
    test::smallest_contiguous, test::roomless_contiguous, test::smallest_segmented
#define GROWSTACK_EACH_SMALLEST_KIND GROWSTACK_EACH_SMALLEST_GROWING_KIND, test::reserved, test::smallest_fixed
#define GROWSTACK_EACH_SMALL_KIND test::small_contiguous, test::segmented, test::reserved, test::small_fixed
#define GROWSTACK_SMALL_AND_LARGE_KINDS test::smallest_contiguous, test::large_reserved, test::large_fixed

TYPE_TO_STRING(test::contiguous);
TYPE_TO_STRING(test::segmented);
TYPE_TO_STRING(test::segmented_eager);
TYPE_TO_STRING(test::reserved);
TYPE_TO_STRING(test::fixed);
TYPE_TO_STRING(test::smallest_contiguous);
TYPE_TO_STRING(test::roomless_contiguous);
TYPE_TO_STRING(test::smallest_segmented);
TYPE_TO_STRING(test::smallest_fixed);
TYPE_TO_STRING(test::small_contiguous);
TYPE_TO_STRING(test::small_fixed);
TYPE_TO_STRING(test::large_reserved);
TYPE_TO_STRING(test::large_fixed);
