// The sizes of stacks in each layout, and where their high ends may lie.
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
constexpr stack_class stack_class_of(std::size_t bytes, stack_layout layout) noexcept {
    const auto order = static_cast<unsigned>(std::bit_width(bytes - 1));
    if (layout == stack_layout::dense && order <= largest_dense_order)
        return std::max(order, smallest_dense_order) - smallest_dense_order;
    return guarded_class(std::max(order, smallest_guarded_order));
}

// The class of a high end is its place in 64 KiB, in KiB. A stack moves only to a high end of the same class, so that
// the distance is a multiple of 64 KiB (why: address_space.hpp). Many classes are in use, so that the first frames of
// many coroutines do not share a few sets of the TLB: with one class, a round over 256 coroutines took 18 ns a switch,
// not 12.
inline constexpr std::size_t hi_step_bytes = 1024;
inline constexpr unsigned hi_classes = hi_alignment / hi_step_bytes;
inline constexpr unsigned any_class = hi_classes;

constexpr unsigned class_of_hi(std::uintptr_t hi) noexcept {
    return static_cast<unsigned>(hi / hi_step_bytes % hi_classes);
}

// A stack lies in a slot. In dense ones it is the slot. In a guarded one up to 128 KiB, the slot ends at a multiple
// of the page, and the stack may end up to 3 KiB lower, if it came from a dense slot. A large one's slot has slack for
// a high end of each class, so that one large stack serves them all: its memory is worth more than 64 KiB of address
// space.
//
//      guard, room | 64 KiB less | stack | up to 63 KiB |     slot: a multiple of 64 KiB
constexpr std::size_t slot_alignment(stack_class c) noexcept {
    return is_dense(c) ? hi_step_bytes : c < cached_classes ? detail::page_bytes : hi_alignment;
}

/// Returns the distance between the ends of a span's slots. Of guarded ones an odd number of pages: 16 neighbours have
/// high ends of 16 classes.
constexpr std::size_t stride_of(stack_class c) noexcept {
    const std::size_t guarded = detail::guarded_bytes + bytes_of(c);
    if (is_dense(c)) return bytes_of(c);
    if (c < cached_classes) return guarded | detail::page_bytes;
    return (guarded + detail::slack_bytes + hi_alignment - 1) & ~(hi_alignment - 1);
}

/// Returns the high end of the slot that a stack which ends at `hi` lies in.
constexpr std::uintptr_t slot_hi_of(stack_class c, std::uintptr_t hi) noexcept {
    return (hi + slot_alignment(c) - 1) & ~(slot_alignment(c) - 1);
}

/// Returns the class of the slots' high ends that serve a stack with a high end of that class.
constexpr unsigned slot_hi_class(stack_class c, unsigned hi_class) noexcept {
    if (hi_class == any_class || c >= cached_classes) return any_class;
    return class_of_hi(slot_hi_of(c, hi_class * hi_step_bytes));
}

/// Returns where the stack lies in the slot.
constexpr bounds place_in_slot(stack_class c, std::uintptr_t slot_hi, unsigned hi_class) noexcept {
    const std::size_t down = hi_class == any_class ? 0 : (slot_hi - hi_class * hi_step_bytes) & (slot_alignment(c) - 1);
    const std::size_t up = c < cached_classes ? 0 : down; // its low end follows into the slack
    return {slot_hi - bytes_of(c) - up, slot_hi - down};
}

/// Returns the guarded pages below the slot; none of a dense one.
constexpr bounds guard_below(stack_class c, std::uintptr_t slot_hi) noexcept {
    const std::uintptr_t hi = slot_hi - bytes_of(c) - (c < cached_classes ? 0 : detail::slack_bytes);
    return {hi - (is_dense(c) ? 0 : detail::guarded_bytes), hi};
}

static_assert(bytes_of(guarded_class(smallest_guarded_order)) % detail::page_bytes == 0);

// As the assembly computes a guard.
static_assert(bytes_of(cached_classes - 1) == detail::largest_without_slack_bytes);
static_assert(detail::slack_bytes == hi_alignment);

} // namespace growstack::grow
