// Destroying a coroutine: a forced unwind runs over its stack, as for a cancelled thread. In catch (...) it looks like
// a foreign exception; where such a handler ends without a rethrow, the unwind starts again from there.
//
// Source: Itanium C++ ABI, 1.6.4 (forced unwinding); glibc nptl/unwind.c.
#include "policy/contiguous.hpp"
#include "stack/announce.hpp"
#include "stack/release.hpp"
#include "stack/root_stack.hpp"

#include <unwind.h>

#include <cstddef>

namespace growstack::detail {

using boost::context::detail::ontop_fcontext;
using boost::context::detail::transfer_t;
using grow::stack;
using grow::thread_state;

namespace {

_Unwind_Reason_Code go_on(int, _Unwind_Action actions, _Unwind_Exception_Class, _Unwind_Exception*, _Unwind_Context*,
                          void* self) {
    if (actions & _UA_END_OF_STACK) fatal_unwind_lost(*static_cast<stack*>(self));
    return _URC_NO_REASON;
}

// A catch (...) that does not rethrow ends up here: the unwind goes on from where it was stopped.
void unwind_stopped(_Unwind_Reason_Code, _Unwind_Exception* exception) {
    _Unwind_ForcedUnwind(exception, go_on, grow::this_thread().running);
}

// On the destroyer's stack: the unwound one is used up meanwhile.
struct unwind_request {
    control_block* block = nullptr;
    // In libstdc++'s handlers the pointer to a foreign exception becomes one to a __cxa_exception around it; where a
    // noexcept function ends the unwind, std::terminate reads the type there. It must find null.
    alignas(16) unsigned char cxa_header[128] = {};
    _Unwind_Exception exception = {};
};

static_assert(offsetof(unwind_request, exception) == offsetof(unwind_request, cxa_header) + 128);

// Runs on top of the suspended coroutine's stack.
transfer_t start_unwind(transfer_t arrived) {
    auto& request = *static_cast<unwind_request*>(arrived.data);
    stack& self = request.block->stack;
    self.books().destroyer->context = arrived.fctx;
    grow::confirm_switch(self, *self.books().destroyer);
    grow::forget_all_frames(self);
    write_limit(self.limit);
    _Unwind_ForcedUnwind(&request.exception, go_on, &self);
    fatal_unwind_lost(self);
}

// On a dense stack's first memory, to which the unwind comes back from chunks.
std::size_t bytes_to_unwind(stack& self) noexcept {
    std::uintptr_t sp = 0;
    grow::for_each_piece(self, [&sp](const grow::piece&, grow::bounds frames) { sp = frames.lo; });
    return sp - self.memory.lo;
}

bool is_guarded(stack& self) noexcept { return grow::piece_of(self, nullptr).guard().bytes() != 0; }

void make_room_to_unwind(stack& self) noexcept {
    if (is_guarded(self)) return;
    grow::with_room([&self] { grow::grow_suspended(self, dense_throw_bytes); });
    if (!is_guarded(self) && bytes_to_unwind(self) < least_throw_bytes) fatal_no_room_to_throw(self);
}

void end(control_block& block) noexcept {
    destroy_body(block);
    grow::with_room([&block] { grow::release_stack(block.stack); });
}

[[gnu::noinline]] void unwind_frames(control_block& block) noexcept {
    stack& self = block.stack;
    make_room_to_unwind(self);
    thread_state& thread = grow::this_thread();
    stack& resumer = thread.running ? *thread.running : attach_thread();
    self.books().destroyer = &resumer;
    unwind_request request;
    request.block = &block;
    request.exception.exception_cleanup = unwind_stopped;
    write_limit(
        limit_check_never); // a signal handler's check must not announce another switch in the middle of this one
    grow::announce_switch(resumer, self);
    leave(thread, resumer, self);
    thread.running = &self;
    void* const fiber = grow::enter_tsan_fiber(self);
    ontop_fcontext(self.context, &request, start_unwind);
    grow::leave_tsan_fiber(fiber);
    thread.running = &resumer;
    grow::confirm_switch(resumer, self);
    write_limit(resumer.limit);
    end(block);
}

// What waits on the destroyer's stack meanwhile, and what that calls.
[[gnu::noinline]] void unwind_started(control_block& block) noexcept {
    constexpr std::size_t bytes = 2048;
    grow::ensure_room(bytes, bytes);
    unwind_frames(block);
}

} // namespace

void unwind(control_block& block) noexcept {
    stack& self = block.stack;
    if (self.is_dead()) return;
    grow::check_mark(self);
    if (!self.is_suspended() || self.books().destroyer) fatal_destroyed_while_active(self);
    if (self.has(grow::has_started)) return unwind_started(block);
    end(block);
}

} // namespace growstack::detail
