// A stack that can grow no more: stack_overflow.
#pragma once

#include <growstack/detail/policy.hpp>
#include <growstack/detail/stack.hpp>

namespace growstack::grow {

/// Returns what to do about it.
const char* advice(overflow_reason reason) noexcept;

/// Answers a check whose frame does not fit. Lowers the limit for the destructors on the way and throws stack_overflow;
/// but where the caller does not expect an exception (it calls a leaf, say), lets the callee run in a small part of the
/// headroom, and has every further check ask again.
check_result overflow(stack& self, check_frame& frame, std::size_t frame_bytes, overflow_reason reason);

/// The same where there is nothing to wait for.
[[noreturn]] void throw_stack_overflow(stack& self, const check_frame& frame, std::size_t frame_bytes,
                                       overflow_reason reason);

} // namespace growstack::grow
