// Destroying a coroutine: a forced unwind runs over its stack, as for a cancelled thread. In catch (...) it looks like a
// foreign exception; where such a handler ends without a rethrow, the unwind starts again from there.
//
// Source: Itanium C++ ABI, 1.6.4 (forced unwinding); glibc nptl/unwind.c.
#include "fatal.hpp"
#include "with_room.hpp"

#include <growstack/control_block.hpp>
#include <growstack/switch.hpp>

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

} // namespace

namespace {

[[gnu::noinline]] void make_room_to_unwind(stack& self) noexcept {
    constexpr std::size_t wanted_bytes = 8 * 1024, least_bytes = 4 * 1024, destroyer_bytes = 2 * 1024;
    if (grow::is_tight(self)) {
        grow::with_room([&self] { grow::grow_suspended(self, wanted_bytes); });
        if (grow::is_tight(self) && reinterpret_cast<std::uintptr_t>(self.context) - self.memory.lo < least_bytes)
            fatal_no_room_to_throw(self);
    }
    if (grow::is_stack_tight()) this_coroutine::ensure(destroyer_bytes);
}

[[gnu::noinline]] void unwind_frames(control_block& block) noexcept {
    stack& self = block.stack;
    thread_state& thread = grow::this_thread();
    stack& resumer = thread.running ? *thread.running : attach_thread();
    self.books().destroyer = &resumer;
    unwind_request request;
    request.block = &block;
    request.exception.exception_cleanup = unwind_stopped;
    grow::announce_switch(resumer, self);
    leave(thread, resumer, self);
    thread.running = &self;
    ontop_fcontext(self.context, &request, start_unwind);
    thread.running = &resumer;
    grow::confirm_switch(resumer, self);
    write_limit(resumer.limit);
}

} // namespace

void unwind(control_block& block) noexcept {
    stack& self = block.stack;
    if (self.is_dead()) return;
    if (!self.is_suspended() || self.books().destroyer) fatal_destroyed_while_active(self);
    if (self.has_started) {
        make_room_to_unwind(self);
        unwind_frames(block);
    }
    destroy_body(block);
    grow::with_room([&self] { grow::release_stack(self); });
}

} // namespace growstack::detail
