// A range of addresses, and how pointers into it change when it moves.
//
//      lo                     sp                      hi
//      |  headroom  |  free   |  live frames           |
//                   ^limit                             ^ one past the end: still counts as inside
//
// Source: the pointer rule is Go's adjustpointer (runtime/stack.go), with the end included, because C++ code keeps
// one-past-the-end pointers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace growstack::grow {

/// Addresses [lo, hi).
struct bounds {
    std::uintptr_t lo = 0;
    std::uintptr_t hi = 0;

    constexpr std::size_t bytes() const noexcept { return hi - lo; }
    constexpr bool contains(std::uintptr_t address) const noexcept { return address - lo < hi - lo; }
};

/// A stack that has moved: words in [from.lo, from.hi] are pointers into it and become word + distance. The distance is
/// a multiple of 64 KiB: that keeps every alignment a frame may ask for, and numbers of 16 bits that lie over the rest
/// of a stale pointer.
struct displacement {
    bounds from;
    std::uintptr_t distance = 0; // new address - old address, modulo 2^64

    constexpr bool moves(std::uintptr_t word) const noexcept { return word - from.lo <= from.hi - from.lo; }
    constexpr std::uintptr_t apply(std::uintptr_t word) const noexcept { return moves(word) ? word + distance : word; }
};

} // namespace growstack::grow
