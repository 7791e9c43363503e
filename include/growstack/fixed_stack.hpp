// A stack of one size: the control for the comparison, and what most coroutine libraries use.
#pragma once

#include <growstack/detail/stack.hpp>
#include <growstack/stack_options.hpp>

namespace growstack {

/// A check that fails throws stack_overflow; code without checks that runs into the guard page ends the program with a
/// message. `initial_bytes` is its size.
struct fixed_stack {
    static constexpr stack_options defaults{.initial_bytes = detail::default_fixed_bytes, .room_bytes = 0};
    static const grow::policy& policy() noexcept { return grow::fixed_policy; }
};

} // namespace growstack
