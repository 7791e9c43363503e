// The thread's record: the stack that runs on it, and the place where growth may run.
#pragma once

#include <growstack/detail/stack.hpp>

#include <cstddef>

namespace growstack::grow {

/// A call of native() on this thread. They nest: native code may resume a coroutine that calls native().
struct native_call {
    stack* caller; // waits, with its context in place as in a switch
    native_call* outer;
};

struct thread_state {
    stack* running = nullptr; // null: this thread has not resumed a coroutine yet
    stack root;               // the thread's own stack. Growth runs below root.context, where its last resume left it
    detail::exception_state* exceptions = nullptr; // the C++ runtime's, of this thread
    native_call* native = nullptr;                 // the innermost
    void* sanitizer_state = nullptr;               // of `root`, while it does not run
};

/// Returns the running thread's state. Asks for the address anew at every call: a coroutine that yields may come back
/// on another thread, and compilers keep the address of a thread_local in a register.
[[gnu::always_inline]] inline thread_state& this_thread() noexcept {
    return *static_cast<thread_state*>(detail::thread_state_address());
}

/// While it lives, no check of this thread fails: a signal handler that interrupts the library on a coroutine's
/// stack does not enter growth, which the library may be in the middle of.
class checks_off {
public:
    checks_off() noexcept : limit_{detail::read_limit()} { detail::write_limit(detail::limit_check_never); }
    ~checks_off() { detail::write_limit(limit_); }
    checks_off(const checks_off&) = delete;
    checks_off& operator=(const checks_off&) = delete;

private:
    std::uintptr_t limit_;
};

} // namespace growstack::grow
