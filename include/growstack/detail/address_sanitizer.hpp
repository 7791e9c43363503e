// Tells AddressSanitizer where the stack is. Programs built without it pay nothing.
//
// Source: compiler-rt's sanitizer/common_interface_defs.h, __sanitizer_start_switch_fiber and its partner.
#pragma once

#include <growstack/detail/bounds.hpp>

namespace growstack::grow {

struct stack;

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool has_address_sanitizer = true;
#elif defined(__has_feature)
inline constexpr bool has_address_sanitizer = __has_feature(address_sanitizer);
#else
inline constexpr bool has_address_sanitizer = false;
#endif

// In the library, which is never instrumented itself: they ask at run time if AddressSanitizer is there.

/// Before a switch, on the stack that is left; `dies` if it is never entered again.
void announce_switch(stack& from, const stack& to, bool dies = false) noexcept;

/// After a switch, on the stack that was entered; `came_from` is the one that was left.
void confirm_switch(stack& self, stack& came_from) noexcept;

/// The running code goes on in the innermost memory of `self`: a chunk has been linked or unlinked, or the stack has
/// moved.
void announce_memory(const stack& self) noexcept;

/// Says if the program runs under AddressSanitizer.
bool has_sanitizer() noexcept;

/// `memory` is reused: what frames marked in it no longer counts.
void forget_frames(bounds memory) noexcept;

/// The same for a stack's innermost memory, its room included: between a throw and where it is caught frames may go
/// without a word.
void forget_innermost_frames(const stack& self) noexcept;

/// The same for all of a stack that is going to be unwound: AddressSanitizer does so for every throw that it sees.
void forget_all_frames(const stack& self) noexcept;

} // namespace growstack::grow
