// Ends that cannot be an exception: one line on stderr, then abort. The functions' names stand in the backtrace.
#pragma once

#include <growstack/grow/stack.hpp>

namespace growstack::detail {

/// A handle was destroyed inside the coroutine that it owns, or inside one that this one has resumed.
[[noreturn]] void fatal_destroyed_while_active(const grow::stack& self) noexcept;

/// A destructor yielded while the coroutine was being destroyed: nobody would resume it.
[[noreturn]] void fatal_yield_while_unwinding(const grow::stack& self) noexcept;

/// The unwinder did not find the coroutine's first function.
[[noreturn]] void fatal_unwind_lost(const grow::stack& self) noexcept;

} // namespace growstack::detail
