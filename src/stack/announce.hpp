// Tells AddressSanitizer about stacks, beside the switches: detail/address_sanitizer.hpp.
#pragma once

#include "sanitizer/address.hpp"

#include <growstack/detail/stack.hpp>

namespace growstack::grow {

/// The running code goes on in the innermost memory of `self`: a chunk has been linked or unlinked, or the stack has
/// moved. Keeps the vector registers.
void announce_memory(stack& self) noexcept;

/// What frames marked in a stack's innermost memory, its room included, no longer counts: between a throw and where it
/// is caught frames may go without a word.
void forget_innermost_frames(stack& self) noexcept;

/// The same for all of a stack that is going to be unwound: AddressSanitizer does so for every throw that it sees.
void forget_all_frames(stack& self) noexcept;

} // namespace growstack::grow
