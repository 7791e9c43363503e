// The escape pointer where growth calls a user's code.
#pragma once

#include <growstack/detail/thread.hpp>

namespace growstack::grow {

/// While it lives, what a coroutine's growth calls finds the thread's own escape stack, as it finds the thread's own
/// stack: the coroutine's may be full.
class on_threads_escape_stack {
public:
    on_threads_escape_stack() noexcept {
        const thread_state& thread = this_thread();
        is_switched_ = detail::has_escape_stacks() && thread.running && thread.running->policy();
        if (is_switched_) coroutines_ = detail::exchange_escape_pointer(thread.root.escape_pointer);
    }
    ~on_threads_escape_stack() {
        if (is_switched_) detail::exchange_escape_pointer(coroutines_);
    }
    on_threads_escape_stack(const on_threads_escape_stack&) = delete;
    on_threads_escape_stack& operator=(const on_threads_escape_stack&) = delete;

private:
    std::uintptr_t coroutines_ = 0;
    bool is_switched_ = false;
};

} // namespace growstack::grow
