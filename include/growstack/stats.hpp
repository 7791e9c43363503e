// Counts of what growth has done to one coroutine's stack.
#pragma once

#include <cstddef>

namespace growstack {

struct stack_stats {
    std::size_t moves = 0;            ///< times the stack moved
    std::size_t bytes_copied = 0;     ///< by those moves
    std::size_t chunks_linked = 0;    ///< times a chunk was linked, kept ones included
    std::size_t guard_faults = 0;     ///< times code without checks ran into the guard, and the stack grew
    std::size_t stack_bytes = 0;      ///< stack memory now, headroom and kept chunks included; 0 when dead
    std::size_t peak_stack_bytes = 0; ///< its maximum so far; during a move, old and new stack together
    /// Of the escape stack (docs/safe-build.md), in use now; 0 when dead, and in programs without safe build.
    std::size_t escape_stack_bytes = 0;
    /// The memory that it has taken: whole pages that were touched since the coroutine, or an earlier one that had the
    /// same escape stack, began, and not trimmed.
    std::size_t peak_escape_stack_bytes = 0;
};

/// Stack memory of the process, in bytes.
struct memory_stats {
    std::size_t in_use = 0; ///< stacks and chunks of live coroutines
    std::size_t cached = 0; ///< free, ready for reuse
};

/// Returns the process's stack memory. Any thread; a snapshot.
memory_stats memory() noexcept;

} // namespace growstack
