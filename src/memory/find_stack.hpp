// From an address to the stack that it lies in.
//
// Stacks are on no list, which would cost each of them: their marks are found at the high ends of the pool's slots.
#pragma once

#include "memory/stack_class.hpp"

#include <growstack/detail/stack.hpp>

namespace growstack::grow {

/// Returns the stack whose first memory lies in a slot that is not free; null if there is none: a chunk, or a free
/// stack that the pool does not know of.
stack* stack_in_slot(stack_class c, std::uintptr_t top) noexcept;

/// Returns the stack whose first memory has that address, or ends there; null if there is none, or if it is larger than
/// 1 GiB.
stack* stack_at(std::uintptr_t address) noexcept;

} // namespace growstack::grow
