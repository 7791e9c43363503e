// The books of native(). Between the assembly's change of stacks and the scope, the limit says "no checks".
#include "stack/announce.hpp"
#include "system/exceptions_in_flight.hpp"

#include <growstack/native.hpp>

namespace growstack::detail {

native_scope::native_scope() noexcept {
    grow::thread_state& thread = grow::this_thread();
    grow::stack& caller = *thread.running;
    call_ = {.caller = &caller, .outer = thread.native};
    root_context_ = thread.root.context; // coroutines that are resumed now leave other ones
    root_exceptions_ = thread.root.exceptions;
    root_escape_pointer_ = thread.root.escape_pointer;
    if (has_escape_stacks()) caller.escape_pointer = exchange_escape_pointer(thread.root.escape_pointer);
    thread.native = &call_;
    thread.running = &thread.root;
    grow::announce_memory(thread.root);
}

native_scope::~native_scope() {
    grow::thread_state& thread = grow::this_thread();
    thread.running = call_.caller;
    thread.native = call_.outer;
    thread.root.context = root_context_;
    thread.root.exceptions = root_exceptions_;
    thread.root.escape_pointer = root_escape_pointer_;
    if (has_escape_stacks()) exchange_escape_pointer(call_.caller->escape_pointer);
    write_limit(call_.caller->limit);
}

// Not in ~native_scope: an exception goes on from there, on the thread's stack.
native_return::~native_return() {
    const grow::checks_off quiet; // a signal handler's check must not announce its chunk in the middle
    grow::stack& caller = *grow::this_thread().running;
    grow::announce_memory(caller);
    if (grow::exceptions_in_flight()) grow::forget_innermost_frames(caller);
}

} // namespace growstack::detail
