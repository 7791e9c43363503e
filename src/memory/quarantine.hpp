// The hard mode fault: the memory that a stack has moved away from stays without access for a while, so that whoever
// still points there is told.
#pragma once

#include "arch/arch.hpp"

#include <growstack/detail/stack.hpp>

namespace growstack::grow {

/// Frees the memory that `self` has moved away from, or takes it into quarantine, in that mode. `code`: where the move
/// was asked for, if known.
void stackfree_after_move(const stack& self, bounds old, stack_layout layout, std::uintptr_t code) noexcept;

/// Gives all that is kept back.
void end_quarantine() noexcept;

/// Says if the address lies in memory that is kept.
bool is_in_quarantine(std::uintptr_t address) noexcept;

/// If the address lies where a stack was, ends the program with a message. From a signal handler: see
/// fatal_stale_pointer.
void report_if_stale(std::uintptr_t touched, interrupted_code& code) noexcept;

} // namespace growstack::grow
