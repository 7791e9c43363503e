// Where the assembly comes out: a check has failed, a chunk's callee has returned. Runs on the thread's root stack,
// with no check of its own, for general registers only.
#include "base/fatal.hpp"
#include "policy/policy.hpp"
#include "stack/room.hpp"

#include <growstack/detail/thread.hpp>

namespace growstack::grow {

bool exceptions_in_flight() noexcept { return this_thread().exceptions->in_flight != 0; }

check_result stay(stack& self, check_frame& frame) noexcept {
    frame.limit = self.update_limit();
    return {&frame, nullptr};
}

} // namespace growstack::grow

using namespace growstack::grow;

extern "C" {

check_result growstack_make_room(check_frame* frame, std::size_t frame_bytes, std::size_t argument_bytes) {
    stack& self = *this_thread().running;
    if (reinterpret_cast<std::uintptr_t>(frame) < self.innermost().lo && is_tight(self)) [[unlikely]]
        growstack::detail::fatal_stack_overrun(self);
    if (self.is_limit_lowered && !exceptions_in_flight()) self.is_limit_lowered = false;
    self.remove(overflow_pending);
    return self.kind()->make_room(self, *frame, frame_bytes, argument_bytes);
}

void growstack_leave_chunk(check_frame* frame) noexcept { pop_chunk(*frame); }

allocation growstack_allocate(check_frame* frame, std::size_t bytes) {
    return allocate_for_frame(*this_thread().running, *frame, bytes);
}
}
