// The rare parts of resume and yield: a thread's first resume, misuse.
#include "memory/stack_cache.hpp"
#include "stack/root_stack.hpp"
#include "system/alt_stack.hpp"

#include <growstack/generator.hpp>
#include <growstack/signals.hpp>

#include <cxxabi.h>

#include <cstdio>
#include <string>
#include <utility>

namespace growstack::detail {

using grow::stack;
using grow::thread_state;

stack& attach_thread() {
    static const bool has_handler = (install_fault_handler(), true);
    static_cast<void>(has_handler);
    if (!grow::prepare_alt_stack())
        throw no_stack_memory("growstack: no memory for the thread's alternate signal stack");
    grow::prepare_thread_cache();
    thread_state& thread = grow::this_thread();
    thread.exceptions = reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
    thread.running = &thread.root;
    return thread.root;
}

namespace {

// The rest of each in a function of its own, whose frame has room then.

[[noreturn]] [[gnu::noinline]] void throw_usage_error(const char* text) { throw usage_error(text); }

[[noreturn]] [[gnu::noinline]] void throw_not_suspended(const control_block& block) {
    char text[200];
    const char* what = block.stack.is_dead() ? "it is dead: its body has ended; ask done() first"
                       : running() == &block
                           ? "it is running: a coroutine cannot resume itself"
                           : "it is normal: it has resumed the coroutine that runs now, or waits for growstack::native";
    std::snprintf(text, sizeof text, "growstack: resume() of coroutine %p (%s): %s", static_cast<const void*>(&block),
                  block.stack.policy()->name, what);
    throw usage_error(text);
}

[[noreturn]] [[gnu::noinline]] void throw_empty(const char* operation) {
    throw usage_error(std::string("growstack: ") + operation +
                      " of an empty handle: default-constructed or moved from");
}

} // namespace

void throw_bad_resume(const control_block& block) {
    grow::ensure_room_to_throw();
    throw_not_suspended(block);
}

void throw_bad_yield() {
    if (const control_block* block = running()) fatal_yield_while_unwinding(block->stack);
    if (grow::this_thread().native)
        throw_usage_error("growstack: yield() inside growstack::native: the thread's own stack cannot be suspended");
    throw_usage_error("growstack: yield() outside a coroutine: only code called from a coroutine's body can yield");
}

void throw_bad_yield_value(const control_block* block) {
    grow::ensure_room_to_throw();
    throw_usage_error(block && block->books().value_type
                          ? "growstack: a value of another type than the generator's T: yield_value(T(value)) converts"
                          : "growstack: a value is yielded outside a generator: use this_coroutine::yield()");
}

void throw_empty_handle(const char* operation) {
    grow::ensure_room_to_throw();
    throw_empty(operation);
}

} // namespace growstack::detail
