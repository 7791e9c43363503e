// Moving a stack to other memory: the mechanism. Whether, and to how much, policy/contiguous.cpp decides.
#pragma once

#include "base/watch.hpp"

namespace growstack::grow {

/// Returns the size of a stack's memory as stackalloc counts it: the memory may be a little less.
std::size_t size_of(const stack& self) noexcept;

/// Moves the stack to `bytes` of new memory and re-points what points into it. Returns false, and leaves all as it was,
/// if there is none. Runs on the thread's root stack; loses the vector registers.
bool move(stack& self, std::size_t bytes, const live_range& live, displacement& moved) noexcept;

/// Sets the word that resume compares with a yielding stack's sp: what follows from its size, and whether its spare is
/// open.
void update_note_yield_above(stack& self) noexcept;

} // namespace growstack::grow
