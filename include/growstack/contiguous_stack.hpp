// A stack that moves to a larger one when it is full, as Go's do.
//
//      before              after
//      +---------+ hi      +---------+ hi
//      | frames  |         | frames  |   copied; every word that pointed into the old stack re-pointed
//      |  :   :  | limit   |  :   :  |
//      | headroom| lo      |         |
//      +---------+         |  free   |
//        freed             |         | limit
//                          | headroom| lo
//                          +---------+
//
// Path: src/stack/move.cpp: newstack -> copystack -> adjust -> stackfree. Source: Go runtime/stack.go.
#pragma once

#include <growstack/detail/stack.hpp>
#include <growstack/stack_options.hpp>

namespace growstack {

/// Doubles when a check fails, until the frame fits, and costs nothing afterwards: a hot loop cannot straddle a
/// boundary twice. When it has been resumed 64 times with less than a
/// quarter in use, the next check halves it, more than once if that fits. Addresses of locals change at a check: do not
/// keep them outside the stack across a call.
struct contiguous_stack {
    static constexpr stack_options defaults{};
    static const grow::policy& policy() noexcept { return grow::contiguous_policy; }
};

} // namespace growstack
