// Memory for escape stacks (docs/safe-build.md). They never move and nothing checks for their end, so each has address
// space of its own, with a guard below; memory comes where it is touched.
//
//      guard | piece | guard | piece | ...
//
// A piece has a record outside of it, so that an escape stack that nobody uses takes no memory.
#pragma once

#include <growstack/detail/bounds.hpp>

#include <cstddef>

namespace growstack::grow {

struct escape_piece {
    bounds memory;
    escape_piece* older = nullptr; // of the same escape stack; of a free one: the next on its list
    std::uintptr_t left_at = 0;    // where the escape pointer stood in `memory` when a newer piece was added

    /// Says if an escape pointer may stand there. The end counts: nothing is in use then.
    bool has(std::uintptr_t pointer) const noexcept { return pointer - memory.lo <= memory.bytes(); }
};

/// Returns the size of a piece for `bytes`: a power of two.
std::size_t escape_piece_bytes(std::size_t bytes) noexcept;

/// Returns a piece of escape_piece_bytes(bytes); null if the system gives no memory. Any thread.
escape_piece* take_escape_piece(std::size_t bytes) noexcept;

/// `touched_lo`: it has hardly been used below. The memory of that part goes back to the system.
void give_escape_piece(escape_piece& piece, std::uintptr_t touched_lo) noexcept;

/// Returns the inaccessible pages below a piece.
bounds guard_of(const escape_piece& piece) noexcept;

/// Says if a range lies in memory for escape stacks, in use or not.
bool owns_escape_memory(bounds range) noexcept;

/// Gives the memory of free pieces back to the system.
void trim_escape_pool() noexcept;

} // namespace growstack::grow
