// Signal handlers: growstack's own, and which of the program's are in the way.
#pragma once

#include <vector>

namespace growstack {

/// Installs growstack's handler for SIGSEGV and SIGBUS. The first resume() of a process does so by itself; call this
/// when something has replaced the handler since. The one it finds is called for every fault that is not growstack's,
/// with its own flags and mask, on the alternate stack. Not while other threads run coroutines.
void install_fault_handler() noexcept;

/// Returns the signals whose installed handlers lack SA_ONSTACK: they would run on the stack of the coroutine that they
/// interrupt, where the kernel may find no room. Any thread.
std::vector<int> handlers_without_altstack();

} // namespace growstack
