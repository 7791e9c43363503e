// Addresses of a stack that the unwinder keeps in the heap: each exception in flight holds that of the frame that will
// catch it. For moving a stack while an exception is in flight.
//
// Whatever code runs meanwhile, a landing pad or the unwinder itself, has to find its exception again: so a pointer to
// it lies on the stack or in a register. Source: Itanium C++ ABI, exception handling, 1.2.1; GCC 12 libgcc/unwind.inc,
// _Unwind_RaiseException.
#pragma once

#include "arch/arch.hpp"

#include <growstack/detail/thread.hpp>

namespace growstack::grow {

/// Says if an exception of the running coroutine is thrown and not caught yet. The unwinder then keeps addresses of the
/// stack in the heap (_Unwind_Exception.private_2).
inline bool exceptions_in_flight() noexcept { return this_thread().exceptions->in_flight != 0; }

/// Says if all exceptions of the running coroutine that are in flight can be found. For the signal handler; takes time
/// in proportion to the stack that is in use.
bool can_find_handler_addresses(bounds live, const interrupted_code& code) noexcept;

/// Re-points the handlers' addresses, after the stack and the registers; `live` is where the stack is now. Exceptions
/// that have been caught have such addresses too: they mean nothing any more.
void adjust_handler_addresses(bounds live, const interrupted_code& code, const displacement& moved) noexcept;

} // namespace growstack::grow
