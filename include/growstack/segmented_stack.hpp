// A stack that links another chunk when it is full and unlinks it when the call returns.
//
//      +---------+ hi         +---------+ hi
//      | frames  |            | chunk*  |
//      |  caller | ---------> | callee  |   its stack arguments are copied
//      |  :   :  | limit      |  :   :  | limit
//      | headroom| lo         | headroom| lo
//      +---------+            +---------+
//
// Path: src/stack/chunk.cpp. Source: libgcc generic-morestack.c, and Go before 1.3.
#pragma once

#include <growstack/detail/stack.hpp>
#include <growstack/stack_options.hpp>

namespace growstack {

/// Addresses of locals never change. A call in a loop that straddles the boundary links and unlinks each time: the
/// hot split, at its worst with chunk_release::eager.
struct segmented_stack {
    static constexpr stack_options defaults{};
    static const grow::policy& policy() noexcept { return grow::segmented_policy; }
};

} // namespace growstack
