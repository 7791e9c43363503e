// Re-pointing in place: what does not move but points into the stack that did.
#pragma once

#include <growstack/detail/bounds.hpp>

namespace growstack::grow {

struct stack;

/// Re-points every aligned word in `range`. Uses vector registers.
void adjust_range(bounds range, const displacement& moved) noexcept;

/// Re-points what hangs on `self` outside its frames: the body with its captures, and alloca blocks.
void adjust_attached(stack& self, const displacement& moved) noexcept;

/// Re-points the live frames of `self`, which does not run, on all its chunks, and its escape stack.
void adjust_frames(stack& self, const displacement& moved) noexcept;

} // namespace growstack::grow
