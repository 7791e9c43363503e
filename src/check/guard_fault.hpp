// Serves a fault: a stack that has to grow, or somebody's error.
#pragma once

#include "arch/arch.hpp"

#include <signal.h>

namespace growstack::grow {

/// Serves a fault of the running coroutine at its stack's guard, or at a probe: when it returns true, the interrupted
/// code can go on. Returns false if the fault is not growstack's. Ends the program where the stack overflows.
/// Called in the signal handler, on the alternate stack, with all signals blocked.
bool serve_fault(const siginfo_t& info, interrupted_code& code) noexcept;

} // namespace growstack::grow
