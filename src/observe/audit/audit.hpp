// What a move calls where the audit is on.
#pragma once

#include <growstack/detail/stack.hpp>

namespace growstack::audit {

/// A move that has just been done: whatever still points to `frames` was not re-pointed.
struct done_move {
    const grow::stack& stack;
    grow::bounds memory;   // that it has moved away from; its contents are still there
    grow::bounds frames;   // of that, what was in use
    grow::bounds pointers; // where its frames may have begun: those that code without checks was setting up, too
    std::uintptr_t code;   // that asked for the move; 0: nobody on this stack, which does not run
    const void* context;   // where it stood, if it does not run
    bool is_in_handler;    // of a fault: whatever code was interrupted may hold malloc's locks
};

/// Searches, and tells what it finds. On the thread's root stack, or another one with room. Takes the pool's lock and
/// one of its own.
void audit(const done_move& m) noexcept;

} // namespace growstack::audit
