// The stack that a thread's fault handler runs on.
#pragma once

namespace growstack::grow {

/// Gives the calling thread an alternate signal stack, unless it has one. It is freed when the thread ends. Returns
/// false if there is no memory.
bool prepare_alt_stack() noexcept;

} // namespace growstack::grow
