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
void announce_switch(stack& from, stack& to, bool dies = false) noexcept;

/// After a switch, on the stack that was entered; `came_from` is the one that was left.
void confirm_switch(stack& self, stack& came_from) noexcept;

} // namespace growstack::grow
