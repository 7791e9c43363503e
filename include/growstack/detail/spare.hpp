// The reserve below the growth room, opened where growstack's own code is the first to touch it and the stack cannot
// move.
//
// Code without checks that goes on there would stay within what has been opened, and each call of ours opens more: the
// reserve would be used up without a fault at which the stack can move. So who opens it notes it, in a word that resume
// reads anyway, and the stack moves where our call ends.
#pragma once

#include <growstack/detail/thread.hpp>

namespace growstack::grow {

inline bool has_noted_reserve(const stack& self) noexcept { return self.shrink_above == 0; }

/// Moves the running stack, if it has noted that its reserve is open and may move.
void leave_reserve_slowly(stack& running) noexcept;

inline void leave_reserve() noexcept {
    stack* const running = this_thread().running;
    if (running && has_noted_reserve(*running)) [[unlikely]]
        leave_reserve_slowly(*running);
}

} // namespace growstack::grow
