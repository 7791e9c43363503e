// Memory for stacks and chunks: powers of two from 4 KiB, tops aligned to pages, an inaccessible page below each.
//
//      guard | stack | guard | stack | ...        a slab; small sizes come from slabs, large ones from the system
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

/// Gives back what stackalloc returned.
void stackfree(bounds memory) noexcept;

/// Returns the size that stackalloc would give for `bytes`.
std::size_t stackalloc_bytes(std::size_t bytes) noexcept;

} // namespace growstack::grow
