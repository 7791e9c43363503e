// A stack that has all its address space from the start; the kernel gives it memory where it is touched.
#pragma once

#include <growstack/detail/stack.hpp>
#include <growstack/stack_options.hpp>

namespace growstack {

/// Never moves and needs no check to grow. `max_bytes` is its size, rounded up to a power of two. Memory once touched
/// stays until trim(), or until the coroutine has ended and the stack is not soon reused. A check that fails throws
/// stack_overflow.
struct reserved_stack {
    static constexpr stack_options defaults{.max_bytes = detail::default_reserved_bytes, .room_bytes = 0};
    static const grow::policy& policy() noexcept { return grow::reserved_policy; }
};

} // namespace growstack
