// What others ask about stacks that wait.
#pragma once

#include <growstack/detail/stack.hpp>

namespace growstack::grow {

/// Says if a stack does not run, or waits on this thread for the one that runs: its context tells where its frames
/// begin.
bool is_at_rest(const stack& s) noexcept;

} // namespace growstack::grow
