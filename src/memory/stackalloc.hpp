// Memory for stacks and chunks, in powers of two.
//
//      guard, room | stack | guard, room | stack | ...     guarded: 4 KiB upwards; 64 KiB of inaccessible pages below
//      each stack | stack | stack | stack | ...                 dense: 1 to 16 KiB
//
// The room may be opened, from its high end down, while the stack is in use (src/stack/room.cpp).
//
//      stack_cache.hpp   a thread's own free stacks: no lock, no system call
//      stack_pool.cpp    what all threads share: spans of stacks, guards installed once
//      heap/mheap.hpp    runs of address space for the spans
//
// Source: Go runtime/stack.go, stackalloc and stackfree.
#pragma once

#include <growstack/detail/bounds.hpp>
#include <growstack/stack_layout.hpp>

#include <cstddef>

namespace growstack::grow {

/// Returns a stack of stackalloc_bytes(bytes, layout); empty bounds if the system gives no memory. Any thread, any
/// stack. Keeps the vector registers, for it is called from checks.
bounds stackalloc(std::size_t bytes, stack_layout layout = stack_layout::guarded) noexcept;

/// The same for a stack that moves there from `from`: the distance of the tops is a multiple of 64 KiB. It is less by
/// up to 3 KiB where a dense stack becomes a guarded one.
bounds stackalloc_to_move(std::size_t bytes, stack_layout layout, bounds from) noexcept;

/// Gives back what stackalloc returned for that layout, its room closed.
void stackfree(bounds memory, stack_layout layout = stack_layout::guarded) noexcept;

/// Returns the guarded pages below a stack's memory: the lowest is the guard page, the others are the room. Empty
/// bounds at memory.lo where it has none.
bounds guard_of(bounds memory, stack_layout layout = stack_layout::guarded) noexcept;

/// Returns the size that stackalloc would give for `bytes`.
std::size_t stackalloc_bytes(std::size_t bytes, stack_layout layout = stack_layout::guarded) noexcept;

/// Returns the size that stackalloc_to_move would give.
std::size_t stackalloc_bytes_to_move(std::size_t bytes, stack_layout layout, bounds from) noexcept;

} // namespace growstack::grow
