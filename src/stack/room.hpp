// The growth room: address space below a stack's memory that becomes part of the stack where code without checks runs
// into it. Nothing moves, so it may be opened at any instruction.
#pragma once

#include "stack/pieces.hpp"

namespace growstack::grow {

/// Says if nothing stops code without checks at the end of the innermost memory.
bool is_tight(stack& self) noexcept;

/// The same for the running coroutine; false outside.
bool is_stack_tight() noexcept;

/// Returns how low `p` may be extended in place.
std::uintptr_t room_lo(const stack& self, const piece& p) noexcept;

/// Makes `p` accessible from `lo`, or a little lower, up. Precondition: room_lo(self, p) <= lo < p.accessible_lo().
/// Async-signal-safe. Returns false if the system refuses.
bool open_room(stack& self, const piece& p, std::uintptr_t lo) noexcept;

/// Makes the innermost memory accessible from `lo`, or a little lower, up, whatever the room's size and max_bytes are:
/// where growstack's own code runs, or the unwinder's. As much as there is of address space; returns whether that goes
/// down to lo.
bool open_beyond_room(stack& self, std::uintptr_t lo) noexcept;

/// Closes the room below the innermost frames, unless frames down to `sp`, or what they are going to call, lie there.
void close_unused_room(stack& self, std::uintptr_t sp) noexcept;

/// Makes what is open of the room inaccessible again, up to `hi` or to its end, and gives its memory back.
void close_room(stack& self, const piece& p, std::uintptr_t hi = UINTPTR_MAX) noexcept;

} // namespace growstack::grow
