// Memory for escape stacks (docs/safe-build.md). They never move and nothing checks for their end, so each has address
// space of its own, with a guard below; memory comes where it is touched.
//
//      guard | room | piece | guard | room | piece | ...
//
// The room is inaccessible, too, until it is touched: that is how an escape stack tells that it runs low.
// A piece has a record outside of it, so that an escape stack that nobody uses takes no memory.
#pragma once

#include <growstack/detail/bounds.hpp>

#include <cstddef>

namespace growstack::grow {

struct escape_piece {
    bounds memory;
    std::uintptr_t room_lo = 0;
    std::uintptr_t opened_lo = memory.lo; // what is accessible begins here
    bool is_mapped = false;               // its guard and its room are mappings of their own
    escape_piece* older = nullptr;        // of the same escape stack; of a free one: the next on its list
    std::uintptr_t left_at = 0;           // where the escape pointer stood when a newer piece was entered

    /// Says if an escape pointer may stand there. The end counts: nothing is in use then.
    bool has(std::uintptr_t pointer) const noexcept { return pointer - room_lo <= memory.hi - room_lo; }
};

/// Returns the size of a piece for `bytes`: a power of two.
std::size_t escape_piece_bytes(std::size_t bytes) noexcept;

/// Returns a piece of escape_piece_bytes(bytes); null if the system gives no memory. Any thread.
escape_piece* take_escape_piece(std::size_t bytes) noexcept;

/// `touched_lo`: it has hardly been used below. The memory of that part goes back to the system.
void give_escape_piece(escape_piece& piece, std::uintptr_t touched_lo) noexcept;

/// Returns the inaccessible pages below a piece and its room.
bounds guard_of(const escape_piece& piece) noexcept;

/// Makes the room accessible. Async-signal-safe. Returns false if the system has no more mappings.
bool open_room(escape_piece& piece) noexcept;

/// Makes it inaccessible again below `hi`, and gives that memory back.
void close_room(escape_piece& piece, std::uintptr_t hi) noexcept;

/// Says if a range lies in memory for escape stacks, in use or not.
bool owns_escape_memory(bounds range) noexcept;

/// Gives the memory of free pieces back to the system.
void trim_escape_pool() noexcept;

} // namespace growstack::grow
