// Blocks of coroutines that have ended, each with its stack, for the next ones.
//
//      new_block -> body -> resume ... finish -> delete_block
//          ^                                                     |
//          +------- the thread's lists, by policy and size <-----+
//
// A coroutine that ends with the stack it began with keeps it, so that creating the next one takes no more than the
// body's constructor and a new first frame.
#pragma once

#include <growstack/detail/control_block.hpp>

namespace growstack::detail {

/// Frees the calling thread's blocks of ended coroutines, with the stacks that they keep.
void free_kept_blocks() noexcept;

/// Returns the context of a coroutine that begins.
void* first_context(control_block& block) noexcept;

} // namespace growstack::detail
