// The assembly calls these: a check has failed, a chunk's callee has returned, an alloca does not fit. All run on the
// thread's root stack, with no check of its own, for general registers only.
#include "base/fatal.hpp"
#include "policy/policy.hpp"
#include "stack/chunk.hpp"
#include "stack/escape.hpp"
#include "stack/room.hpp"
#include "system/exceptions_in_flight.hpp"

using namespace growstack::grow;

extern "C" {

check_result growstack_make_room(check_frame* frame, std::size_t frame_bytes, std::size_t argument_bytes) {
    stack& self = *this_thread().running;
    if (reinterpret_cast<std::uintptr_t>(frame) < self.innermost().lo && is_tight(self)) [[unlikely]]
        growstack::detail::fatal_stack_overrun(self);
    if (self.has(overflow_unwinds) && !exceptions_in_flight()) self.remove(overflow_unwinds);
    self.remove(overflow_waits);
    if (!self.has(overflow_unwinds) && !ensure_escape(self)) [[unlikely]]
        return overflow(self, *frame, frame_bytes, overflow_reason::escape_bytes);
    return self.policy()->make_room(self, *frame, frame_bytes, argument_bytes);
}

void growstack_leave_chunk(check_frame* frame) noexcept { pop_chunk(*frame); }

allocation growstack_allocate(check_frame* frame, std::size_t bytes) {
    return allocate_for_frame(*this_thread().running, *frame, bytes);
}
}
