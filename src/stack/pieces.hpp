// The pieces of a stack: its first memory, and the chunks that are linked to it. Below each lies its growth room.
#pragma once

#include "memory/stackalloc.hpp"

#include <growstack/detail/stack.hpp>

namespace growstack::grow {

struct piece {
    bounds memory;
    stack_layout layout;
    std::uintptr_t& opened_lo; // of its growth room: what is open begins here; 0: none of it

    bounds guard() const noexcept { return guard_of(memory, layout); }
    bounds with_room() const noexcept { return {guard().lo, memory.hi}; }
    std::uintptr_t accessible_lo() const noexcept { return opened_lo ? opened_lo : guard().hi; }

    /// Says if an address lies in it, or in the address space below that may be opened. The end counts.
    bool has(std::uintptr_t address) const noexcept { return address - guard().lo <= memory.hi - guard().lo; }
};

/// Returns a chunk's piece, or the first memory's: null.
inline piece piece_of(stack& self, chunk* c) noexcept {
    return c ? piece{c->memory, stack_layout::guarded, c->opened_lo}
             : piece{self.memory, self.sizes->layout, self.books().opened_lo};
}

inline piece innermost_piece(stack& self) noexcept { return piece_of(self, self.innermost_chunk); }

/// Calls visit(const piece&, bounds frames) for each piece, innermost first. `sp` is that of the innermost frame.
template <class Visit>
inline void for_each_piece(stack& self, std::uintptr_t sp, Visit visit) {
    for (chunk* c = self.innermost_chunk; c; c = c->older) {
        visit(piece_of(self, c), bounds{sp, reinterpret_cast<std::uintptr_t>(c)});
        sp = reinterpret_cast<std::uintptr_t>(c->entered_from);
    }
    visit(piece_of(self, nullptr), bounds{sp, self.frames_hi()});
}

/// The same for a stack that does not run.
template <class Visit>
inline void for_each_piece(stack& suspended, Visit visit) {
    for_each_piece(suspended, reinterpret_cast<std::uintptr_t>(suspended.context), visit);
}

/// Says if an address lies on one of the pieces, or in the address space below it.
inline bool is_on(stack& self, std::uintptr_t address) noexcept {
    bool is_found = false;
    for_each_piece(self, 0, [&](const piece& p, bounds) { is_found = is_found || p.has(address); });
    return is_found;
}

/// Returns the piece that `sp` is on, or the innermost one if sp has left them all.
inline piece piece_at(stack& self, std::uintptr_t sp) noexcept {
    for (chunk* c = self.innermost_chunk;; c = c->older) {
        const piece p = piece_of(self, c);
        if (p.has(sp)) return p;
        if (!c) return innermost_piece(self);
    }
}

} // namespace growstack::grow
