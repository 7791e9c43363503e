// Asks if the code that called a checked function expects an exception from it.
#pragma once

#include <cstdint>

namespace growstack::grow {

/// Says if an exception thrown by the function that returns to `return_address` can pass its caller, or, where that has
/// no exception table, the next one that has. Called from growth: the frame of __morestack is on the call stack.
bool expects_exception(std::uintptr_t return_address) noexcept;

} // namespace growstack::grow
