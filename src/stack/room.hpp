// The growth room: address space below a stack's memory that becomes part of the stack where code without checks runs
// into it. Nothing moves, so it may be opened at any instruction.
#pragma once

#include <growstack/detail/config.hpp>
#include <growstack/detail/stack.hpp>
#include "memory/stackalloc.hpp"

namespace growstack::grow {

/// One piece of a stack: its first memory, or a chunk's.
struct piece {
    bounds memory;
    stack_layout layout;
    std::uintptr_t& opened_lo;

    bounds guard() const noexcept { return guard_of(memory, layout); }
    std::uintptr_t accessible_lo() const noexcept { return opened_lo ? opened_lo : guard().hi; }
};

inline piece piece_of(stack& self, chunk* c) noexcept {
    return c ? piece{c->memory, stack_layout::guarded, c->opened_lo}
             : piece{self.memory, self.sizes->layout, self.books().opened_lo};
}

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
