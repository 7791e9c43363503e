// A family is the stacks that may hold pointers into one another.
//
// A coroutine created by code that runs on a movable stack may refer to that stack: `generator g{[&] { ... }}` inside
// a coroutine is everyday code. So each stack knows its dependents, and a move re-points their live frames, their
// bodies with captures, and their dependents in turn. Stacks that cannot move have no dependents; what they create
// belongs to their own creator.
#pragma once

#include <growstack/detail/bounds.hpp>

namespace growstack::grow {

struct stack;

/// Registers `created` as a dependent of the nearest movable stack that `creator` runs on or was created on.
void join_family(stack& created, stack& creator) noexcept;

/// Takes `leaving` out; its dependents go to its creator, for they may point there too. A second call does nothing.
void leave_family(stack& leaving) noexcept;

/// Says if a stack does not run, or waits on this thread for the one that runs: its context tells where its frames
/// begin.
bool is_at_rest(const stack& s) noexcept;

/// Re-points whatever the dependents of `origin`, and theirs, hold of the moved stack.
void adjust_dependents(stack& origin, const displacement& moved) noexcept;

} // namespace growstack::grow
