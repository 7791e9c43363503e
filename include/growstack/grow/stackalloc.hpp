// Memory for stacks and chunks: powers of two from 4 KiB, page-aligned, 64 KiB of inaccessible pages below each.
//
//      guard, room | stack | guard, room | stack | ...        up to 128 KiB, cut 16 at a time
//      guard, room | up to 60 KiB | stack | ...               larger ones, so that one memory serves every class of tops
//
// The room may be opened, from its high end down, while the stack is in use (src/fault.cpp).
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

/// Gives back what stackalloc returned, its room closed.
void stackfree(bounds memory) noexcept;

/// Returns the guarded pages below a stack's memory: the lowest is the guard page, the others are the room.
bounds guard_of(bounds memory) noexcept;

/// Returns the size that stackalloc would give for `bytes`.
std::size_t stackalloc_bytes(std::size_t bytes) noexcept;

} // namespace growstack::grow
