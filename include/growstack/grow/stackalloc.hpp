// Memory for stacks and chunks: powers of two from 4 KiB, page-aligned, an inaccessible page below each.
//
//      guard | stack | guard | stack | ...        up to 128 KiB, cut 16 at a time
//      guard | up to 60 KiB | stack | ...         larger ones, so that one memory serves every class of tops
//
// Free stacks wait in a cache per thread and size, then in a pool that all threads share; guards stay installed.
// Source: Go runtime/stack.go, stackalloc and stackfree.
#pragma once

#include <growstack/grow/bounds.hpp>

#include <cstddef>

namespace growstack::grow {

/// Returns a stack of at least `bytes`; empty bounds if the system gives no memory. Any thread, any stack. Keeps
/// the vector registers, for it is called from checks.
bounds stackalloc(std::size_t bytes) noexcept;

/// The same for a stack that moves there from `from`: the distance of the tops is a multiple of 64 KiB.
bounds stackalloc_to_move(std::size_t bytes, bounds from) noexcept;

/// Gives back what stackalloc returned.
void stackfree(bounds memory) noexcept;

/// Returns the size that stackalloc would give for `bytes`.
std::size_t stackalloc_bytes(std::size_t bytes) noexcept;

} // namespace growstack::grow
