// What becomes of an open reserve.
#pragma once

#include <growstack/detail/spare.hpp>

namespace growstack::grow {

/// In the fault handler, which has opened the reserve of `self`.
void note_reserve(stack& self) noexcept;

// Of contiguous stacks (contiguous.cpp).
bool can_grow(stack& self, std::uintptr_t sp) noexcept;
/// From the stack's size; no reserve is noted then.
void set_shrink_above(stack& self) noexcept;

} // namespace growstack::grow
