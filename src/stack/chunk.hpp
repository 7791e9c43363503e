// Linking and unlinking chunks: for segmented stacks, and for contiguous ones that must not move.
#pragma once

#include <growstack/detail/stack.hpp>

namespace growstack::grow {

/// Links a chunk with room for a frame of frame_bytes and copies the callee's argument_bytes of stack arguments to it.
/// Runs on the thread's root stack. Returns where the call continues; a null frame if the stack's max_bytes or memory
/// does not allow it, and `reason` says which.
check_result push_chunk(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t argument_bytes,
                        overflow_reason& reason);

/// Unlinks the chunk that `frame` entered; called when the callee has returned or an exception leaves it.
void pop_chunk(check_frame& frame) noexcept;

/// Frees the chunk that is kept for the next call, if there is one.
void free_kept_chunk(stack& self) noexcept;

/// Gives back every chunk, linked ones too: for a stack that no code runs on any more.
void release_chunks(stack& self) noexcept;

} // namespace growstack::grow
