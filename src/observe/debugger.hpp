// For debuggers: see debugger.cpp.
#pragma once

namespace growstack::grow {

/// Notes where the thread's state lies, which is the same for all threads.
void tell_debuggers_of_thread() noexcept;

} // namespace growstack::grow
