// Jump buffers of a stack that moves: those on the stack itself are re-pointed; one that lies elsewhere pins the stack
// until the function that called setjmp has returned.
#pragma once

#include <growstack/detail/stack.hpp>

namespace growstack::grow {

/// Re-points the jump buffers in `where`, which belong to a stack that had, or has, its frames in `frames`.
void adjust_jump_buffers(bounds where, bounds frames, const displacement& moved) noexcept;

/// Says if the stack, whose innermost frame has this sp, is pinned by a jump buffer elsewhere.
bool has_jump_pin(stack& self, std::uintptr_t sp) noexcept;

} // namespace growstack::grow
