// May this stack move now? Asked here, once, by everybody who would move one.
#pragma once

#include <growstack/detail/stack.hpp>

namespace growstack::grow {

/// What keeps a stack where it is.
enum class obstacle {
    none,
    library,       // growstack itself runs on the stack: it may hold a lock that growth takes
    unwinding,     // the coroutine is being destroyed
    policy,        // its stacks never move
    pin,           // a growstack::pin lives
    chunk,         // one is linked: its frames cannot be on the stack that moves
    option,        // stack_options::move_at_guard is off
    jump_buffer,   // one that lies elsewhere holds an address of a frame that has not returned
    hidden_locals, // AddressSanitizer keeps locals in its heap, and they may point here
    exception,     // is in flight: the unwinder keeps an address of the stack in the heap
    large_frame,   // reaches below the stack's address space: nothing is known of what lies there
};

/// Where the code is that would move the stack.
enum class moment {
    check,     // in a check that failed, or that growstack makes itself
    fault,     // in the fault handler, at whatever instruction
    suspended, // the stack does not run
};

/// Returns what keeps the stack, whose innermost frame has this sp, from moving now. `exception` comes last: nothing
/// else is then in the way.
obstacle obstacle_to_move(stack& self, std::uintptr_t sp, moment when) noexcept;

/// Says if growth has begun on a fault's stack, an exception will be caught, or a stack is being unwound: what is in
/// the way of the move will pass, and until then the spare serves. Asked in the fault handler.
bool will_pass(const stack& self, obstacle o) noexcept;

/// Returns what to tell of it where code without checks has filled a stack that cannot move.
const char* advice(const stack& self, obstacle o) noexcept;

} // namespace growstack::grow
