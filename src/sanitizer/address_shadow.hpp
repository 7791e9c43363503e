// AddressSanitizer's shadow of a stack, and how it follows the stack when that moves.
#pragma once

#include <growstack/detail/stack.hpp>

#include <array>
#include <cstddef>

namespace growstack::grow {

/// The forms, other than pointers, in which sanitized code keeps addresses of a stack across calls: apply each in turn.
struct address_forms {
    std::array<displacement, 3> all{};
    std::size_t count = 0; // without AddressSanitizer none

    const displacement* begin() const noexcept { return all.data(); }
    const displacement* end() const noexcept { return all.data() + count; }
};

/// Returns how they change when a stack moves so. Keeps the vector registers.
address_forms other_forms_of(const displacement& moved) noexcept;

/// A stack's live part has been copied: its shadow is too, from where frames may have marks, and the old one is clean.
void move_shadow(bounds marked, std::uintptr_t distance) noexcept;

/// Free memory: AddressSanitizer reports whoever touches it. Of very large memory, the high end only.
void forbid(bounds memory) noexcept;

/// Says if functions' locals lie in AddressSanitizer's heap, from where they point to `self`, unseen. The library
/// switches detect_stack_use_after_return off; there remains code compiled with
/// -fsanitize-address-use-after-return=always.
bool has_fake_stack(const stack& self) noexcept;

/// Returns memory, page-aligned, that lies above every stack; null if there is none. It is for allocas that do not fit
/// on their stack. Where a function ends, AddressSanitizer clears the shadow from its last alloca up to its frame; if
/// the alloca is the higher of the two, it clears nothing.
void* take_above_stacks(std::size_t bytes) noexcept;

/// Gives it back.
void give_above_stacks(void* memory, std::size_t bytes) noexcept;

} // namespace growstack::grow
