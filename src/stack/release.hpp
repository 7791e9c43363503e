// Giving back what a stack does not need any more, or all of it.
#pragma once

#include <growstack/detail/stack.hpp>

namespace growstack::grow {

/// Aborts with a message if something ran over the end of the dense stack above this one.
void check_mark(const stack& self) noexcept;

/// Gives back all memory of a stack that no code runs on any more, and takes it out of its family.
void release_stack(stack& self) noexcept;

/// Gives memory that a stack which does not run has no frames on back to the system.
void trim_suspended(stack& self) noexcept;

/// The same, except for a kept chunk. Takes no lock.
void trim_suspended_pieces(stack& self) noexcept;

} // namespace growstack::grow
