// The reserved policy: the kernel grows the stack. A check that fails is an overflow.
#include "policy/policy.hpp"

namespace growstack::grow {
namespace {

check_result make_room(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t) {
    if (self.has_room(frame.callee_sp(), frame_bytes)) return stay(self, frame);
    return overflow(self, frame, frame_bytes, overflow_reason::reserved_size);
}

} // namespace

const policy reserved_policy{2, "reserved_stack", false, make_room};

} // namespace growstack::grow
