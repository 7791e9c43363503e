// Ends that cannot be an exception: one line on stderr, then abort. The functions' names stand in the backtrace.
//
// All may be called from a signal handler: of what they call themselves, only fatal_stale_pointer's dladdr is not on
// the list of async-signal-safe functions. It takes the dynamic linker's lock, which a thread may take twice.
#pragma once

#include <growstack/detail/stack.hpp>
#include <growstack/errors.hpp>

namespace growstack::grow {

/// Memory that a stack has moved away from.
struct former_stack {
    const stack* of = nullptr;
    bounds memory;
    stack_layout layout = stack_layout::guarded;
    std::size_t move = 0;    // of that stack, counted from 1
    std::uintptr_t code = 0; // that asked for the move; 0: the handle's shrink()
};

} // namespace growstack::grow

namespace growstack::detail {

/// A handle was destroyed inside the coroutine that it owns, or inside one that this one has resumed.
[[noreturn]] void fatal_destroyed_while_active(const grow::stack& self) noexcept;

/// A destructor yielded while the coroutine was being destroyed: nobody would resume it.
[[noreturn]] void fatal_yield_while_unwinding(const grow::stack& self) noexcept;

/// The unwinder did not find the coroutine's first function.
[[noreturn]] void fatal_unwind_lost(const grow::stack& self) noexcept;

/// Code without checks ran out of stack, and nothing could be done. Tells the user's handler first.
[[noreturn]] void fatal_stack_overflow_in_code_without_checks(const overflow_report& report) noexcept;

/// The escape stack is full, and a function has touched its guard. Tells the user's handler first. `ip`: which
/// function.
[[noreturn]] void fatal_escape_overflow(const overflow_report& report, std::uintptr_t ip) noexcept;

/// A failed check has found that code without checks ran over the end of a stack without a guard.
[[noreturn]] void fatal_stack_overrun(const grow::stack& self) noexcept;

/// The same, found later, at the high end of the stack below it. `hi_above`: where the one above would end.
[[noreturn]] void fatal_stack_overwritten(const grow::stack& self, std::uintptr_t hi_above) noexcept;

/// An exception, or the unwinding of a destroyed coroutine, has too little stack, which has no guard and cannot move.
[[noreturn]] void fatal_no_room_to_throw(const grow::stack& self) noexcept;

/// Code has touched memory that a stack has moved away from.
[[noreturn]] void fatal_stale_pointer(const grow::former_stack& was, std::uintptr_t touched,
                                      std::uintptr_t ip) noexcept;

/// A longjmp would leave the stack that it is called on.
[[noreturn]] void fatal_jump(const grow::stack& self, const char* where) noexcept;

/// There is no such function of glibc's: the program is linked statically.
[[noreturn]] void fatal_no_jump(const char* name) noexcept;

/// The kernel found no room on the coroutine's stack for a signal handler without SA_ONSTACK; the signal is lost.
[[noreturn]] void fatal_no_room_for_a_signal_handler(const grow::stack& self) noexcept;

} // namespace growstack::detail
