// The sizes of stacks in each layout, and where their tops may lie.
#pragma once

#include "system/address_space.hpp"

#include <growstack/detail/bounds.hpp>
#include <growstack/detail/config.hpp>
#include <growstack/stack_layout.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>

namespace growstack::grow {

/// A size with its layout: the dense ones, from 1 to 16 KiB, then the guarded ones, from 4 KiB up.
using stack_class = unsigned;

inline constexpr unsigned smallest_dense_order = 10, largest_dense_order = 14, smallest_guarded_order = 12;
inline constexpr stack_class dense_classes = largest_dense_order - smallest_dense_order + 1;

/// Returns the class of guarded stacks of 2^order bytes.
constexpr stack_class guarded_class(unsigned order) noexcept { return dense_classes + order - smallest_guarded_order; }

inline constexpr stack_class cached_classes = guarded_class(17) + 1; // to 128 KiB: what threads keep
inline constexpr stack_class near_classes = guarded_class(22) + 1; // to 4 MiB: what lies in windows (address_space.hpp)
inline constexpr stack_class pooled_classes = guarded_class(30) +
                                              1; // above, a few stacks would leave no place for others
inline constexpr stack_class stack_classes = guarded_class(44) + 1;

constexpr bool is_dense(stack_class c) noexcept { return c < dense_classes; }

constexpr std::size_t bytes_of(stack_class c) noexcept {
    return std::size_t{1} << (is_dense(c) ? c + smallest_dense_order : c - dense_classes + smallest_guarded_order);
}

/// Returns the class of a stack of `bytes`, rounded up; stack_classes or more: absurd.
constexpr stack_class class_of(std::size_t bytes, stack_layout layout) noexcept {
    const auto order = static_cast<unsigned>(std::bit_width(bytes - 1));
    if (layout == stack_layout::dense && order <= largest_dense_order)
        return std::max(order, smallest_dense_order) - smallest_dense_order;
    return guarded_class(std::max(order, smallest_guarded_order));
}

// A top's class is its place in 64 KiB, in KiB. A stack moves only to a top of the same class, so that the distance is
// a multiple of 64 KiB (why: address_space.hpp). Tops of many classes are in use, so that the first frames of many
// coroutines do not share a few sets of the TLB: with one class, a round over 256 coroutines took 18 ns a switch,
// not 12.
inline constexpr std::size_t top_step_bytes = 1024;
inline constexpr unsigned top_classes = top_alignment / top_step_bytes;
inline constexpr unsigned any_class = top_classes;

constexpr unsigned class_of_top(std::uintptr_t hi) noexcept {
    return static_cast<unsigned>(hi / top_step_bytes % top_classes);
}

// A stack lies in a slot. In dense ones it is the slot. In a guarded one up to 128 KiB, the slot's top is a multiple of
// the page, and the stack's own top may be up to 3 KiB lower, if it came from a dense slot. A large one's slot has
// slack for a top of each class, so that one large stack serves them all: its memory is worth more than 64 KiB of
// address space.
//
//      guard, room | 64 KiB less | stack | up to 63 KiB |     slot: a multiple of 64 KiB
constexpr std::size_t slot_alignment(stack_class c) noexcept {
    return is_dense(c) ? top_step_bytes : c < cached_classes ? detail::page_bytes : top_alignment;
}

/// Returns the distance from top to top of a span's slots. Of guarded ones an odd number of pages: 16 neighbours have
/// tops of 16 classes.
constexpr std::size_t stride_of(stack_class c) noexcept {
    const std::size_t guarded = detail::guarded_bytes + bytes_of(c);
    if (is_dense(c)) return bytes_of(c);
    if (c < cached_classes) return guarded | detail::page_bytes;
    return (guarded + detail::slack_bytes + top_alignment - 1) & ~(top_alignment - 1);
}

/// Returns the top of the slot that a stack with its top at `hi` lies in.
constexpr std::uintptr_t slot_top(stack_class c, std::uintptr_t hi) noexcept {
    return (hi + slot_alignment(c) - 1) & ~(slot_alignment(c) - 1);
}

/// Returns the class of slots' tops that serve a stack with a top of that class.
constexpr unsigned slot_top_class(stack_class c, unsigned top_class) noexcept {
    if (top_class == any_class || c >= cached_classes) return any_class;
    return class_of_top(slot_top(c, top_class * top_step_bytes));
}

/// Returns where the stack lies in the slot.
constexpr bounds place_in_slot(stack_class c, std::uintptr_t top, unsigned top_class) noexcept {
    const std::size_t down = top_class == any_class ? 0 : (top - top_class * top_step_bytes) & (slot_alignment(c) - 1);
    const std::size_t up = c < cached_classes ? 0 : down; // its low end follows into the slack
    return {top - bytes_of(c) - up, top - down};
}

/// Returns the guarded pages below the slot; none of a dense one.
constexpr bounds guard_below(stack_class c, std::uintptr_t top) noexcept {
    const std::uintptr_t hi = top - bytes_of(c) - (c < cached_classes ? 0 : detail::slack_bytes);
    return {hi - (is_dense(c) ? 0 : detail::guarded_bytes), hi};
}

static_assert(bytes_of(guarded_class(smallest_guarded_order)) % detail::page_bytes == 0);

// As the assembly computes a guard.
static_assert(bytes_of(cached_classes - 1) == detail::largest_without_slack_bytes);
static_assert(detail::slack_bytes == top_alignment);

} // namespace growstack::grow
