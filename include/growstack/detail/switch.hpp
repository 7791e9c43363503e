// Switching between coroutines: resume and yield, inline. Underneath: Boost.Context's fcontext.
//
//      resume:  leave(from, to) -> jump ............ body ............ yield: leave(self, resumer) -> jump
//                                   arrive in the body or in yield                            arrive in resume
//
// Whoever leaves does the books, whoever arrives stores the context of whoever left. In between, the limit slot says
// "no checks", so that a signal handler never compares one stack's sp with another stack's limit. Only resume() writes
// thread.running. So during a yield's jump the yielding stack still counts as running, and may move.
//
// Inline, always: a function that switches returns to where the processor's return predictor does not expect it,
// which costs 8 ns each time. In line there is no such return.
#pragma once

#include <growstack/detail/address_sanitizer.hpp>
#include <growstack/detail/control_block.hpp>
#include <growstack/detail/spare.hpp>
#include <growstack/detail/thread_sanitizer.hpp>

#include <boost/context/detail/fcontext.hpp>

namespace growstack::grow {

/// Notes that a contiguous stack has yielded with less than a quarter in use: shrinks it, if its options say so;
/// otherwise asks the next check to do it, when that has happened often enough. Or that the switch has opened its
/// spare.
void note_yield(stack& self) noexcept;

} // namespace growstack::grow

namespace growstack::detail {

/// Sets up the calling thread for its first resume. Throws no_stack_memory if it can get no alternate signal stack.
grow::stack& attach_thread();

/// Gives back the stack of a coroutine that has ended, restores the resumer's limit and throws what left the body.
void finish(control_block& block, grow::stack& resumer);

[[noreturn]] void throw_bad_resume(const control_block& block);
[[noreturn]] void throw_bad_yield();

[[gnu::always_inline]] inline void leave(const grow::thread_state& thread, grow::stack& from,
                                         grow::stack& to) noexcept {
    write_limit(limit_switching); // first: a check that links a chunk must not come between announce and jump
    if constexpr (grow::has_address_sanitizer) grow::announce_switch(from, to);
    if (has_escape_stacks()) from.escape_pointer = exchange_escape_pointer(to.escape_pointer);
    from.exceptions = *thread.exceptions;
    *thread.exceptions = to.exceptions;
}

[[gnu::always_inline]] inline void arrive(grow::stack& self, grow::stack& came_from) noexcept {
    write_limit(limit_check_never); // this stack is not left any more: if it moved now, it would have to be announced
    grow::confirm_switch(self, came_from);
}

/// Returns the context that a jump has left, and no copy of it on this stack: unoptimised code keeps one, which the
/// audit would take for a pointer into the other stack.
[[gnu::always_inline]] inline void* context_of(boost::context::detail::transfer_t arrived) noexcept {
    void* const context = arrived.fctx;
#ifndef __OPTIMIZE__
    arrived = {};
#endif
    return context;
}

/// Runs the block's body until it yields or ends. Throws what leaves the body, and usage_error.
[[gnu::always_inline]] inline void resume(control_block& block) {
    grow::stack& self = block.stack;
    if (!self.is_suspended()) [[unlikely]]
        throw_bad_resume(block);
    grow::thread_state& thread = grow::this_thread();
    grow::stack& resumer = thread.running ? *thread.running : attach_thread();
    self.resumer = &resumer;
    leave(thread, resumer, self);
    thread.running = &self;
    [[maybe_unused]] void* fiber = nullptr;
    if constexpr (grow::has_thread_sanitizer) fiber = grow::enter_tsan_fiber(self);
    self.context = context_of(boost::context::detail::jump_fcontext(self.context, &block));
    if constexpr (grow::has_thread_sanitizer) grow::leave_tsan_fiber(fiber);
    thread.running = &resumer; // the same thread: whoever resumes waits here
    if constexpr (grow::has_address_sanitizer) arrive(resumer, self);
    if (self.is_dead()) [[unlikely]]
        return finish(block, resumer);
    if (reinterpret_cast<std::uintptr_t>(self.context) > self.note_yield_above) [[unlikely]]
        grow::note_yield(self);
    write_limit(resumer.limit);
}

/// Suspends the running coroutine. Throws usage_error outside one.
[[gnu::always_inline]] inline void yield() {
    grow::thread_state& thread = grow::this_thread();
    if (!thread.running || !thread.running->resumer) [[unlikely]]
        throw_bad_yield();
    grow::stack& self = *thread.running;
    grow::stack& resumer = *self.resumer;
    self.resumer = nullptr;
    leave(thread, self, resumer);
    void* const left = context_of(boost::context::detail::jump_fcontext(resumer.context, nullptr));
    // Perhaps on another thread; `self` is still where it was.
    self.resumer->context = left;
    if constexpr (grow::has_address_sanitizer) arrive(self, *self.resumer);
    write_limit(self.limit);
}

} // namespace growstack::detail
