// The contiguous policy decides when a stack moves, and to how much memory.
#pragma once

#include "stack/move.hpp"

#include <optional>

namespace growstack::grow {

/// Moves a stack that may move so that `bytes` more fit below the frame; does nothing if max_bytes does not allow it.
/// Returns the frame's new place.
check_frame* grow_ahead(stack& self, check_frame& frame, std::size_t bytes) noexcept;

/// Moves a stack whose code is at whatever instruction, so that the stack reaches down to needed_lo. Frames begin at
/// live_lo; the code is at ip. Allocates and frees nothing in the heap. Returns why that is not possible.
std::optional<overflow_reason> move_at_fault(stack& self, std::uintptr_t live_lo, std::uintptr_t needed_lo,
                                             std::uintptr_t ip, displacement& moved) noexcept;

/// Says if the running stack, whose innermost frame has this sp, may move to larger memory, wherever its code is.
bool can_grow(stack& self, std::uintptr_t sp) noexcept;

/// Moves a stack that does not run to half its size while under a quarter is used. Returns whether it moved.
bool shrink_suspended(stack& self) noexcept;

/// Moves a stack that does not run so that so many bytes fit below its frames. Returns whether they do.
bool grow_suspended(stack& self, std::size_t bytes) noexcept;

} // namespace growstack::grow
