// The spare: 16 KiB below the growth room, for growstack's own code, for throws, and for what is being set up.
//
//      lo   | guard page |  spare  |  growth room  |  memory   |   hi
//
// Where growstack's own code touches it first, on a stack that cannot move just then, the fault handler opens it. Code
// without checks that goes on there would then run through the spare without a fault at which the stack could move. So
// the handler sets a bit, spare_is_open, and the stack moves where growstack's call ends.
#pragma once

#include <growstack/detail/thread.hpp>

namespace growstack::grow {

/// In the fault handler, which has opened the spare of `self`.
void note_spare(stack& self) noexcept;

/// Moves the running stack, whose spare has been opened, if it may move.
void leave_spare_slowly(stack& running) noexcept;

inline void leave_spare() noexcept {
    stack* const running = this_thread().running;
    if (running && running->has(spare_is_open)) [[unlikely]]
        leave_spare_slowly(*running);
}

} // namespace growstack::grow
