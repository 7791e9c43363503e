// What AddressSanitizer remembers of a stack's memory, and how it follows the stack when that moves.
#pragma once

#include <growstack/detail/stack.hpp>

#include <array>

namespace growstack::grow {

/// The forms, other than pointers, in which sanitized code keeps addresses of a stack across calls: apply each in turn.
/// Without AddressSanitizer they change nothing.
using sanitized_forms = std::array<displacement, 3>;

/// Returns how they change when the stack moves so.
sanitized_forms forms_of(const displacement& moved) noexcept;

/// A stack's live part, from live_lo up, has been copied: so is its shadow, from marked_lo up, and what points to it is
/// re-pointed, on the stack itself and in all that depends on it. The old place's shadow is clean then.
void move_shadow(stack& self, std::uintptr_t live_lo, std::uintptr_t marked_lo, const displacement& moved) noexcept;

/// Free memory: AddressSanitizer reports whoever touches it. Of very large memory, the high end only.
void forbid(bounds memory) noexcept;

/// Says if functions' locals lie in AddressSanitizer's heap, from where they point to `self`, unseen. The library
/// switches detect_stack_use_after_return off; there remains code compiled with
/// -fsanitize-address-use-after-return=always.
bool has_fake_stack(const stack& self) noexcept;

/// Returns memory, page-aligned, that lies above every stack; null if there is none. For allocas that do not fit on
/// their stack: where a function ends, AddressSanitizer clears the shadow from its last alloca up to its frame, and
/// nothing if the alloca is the higher of the two.
void* take_above_stacks(std::size_t bytes) noexcept;

/// Gives it back.
void give_above_stacks(void* memory, std::size_t bytes) noexcept;

} // namespace growstack::grow
