// The segmented policy: a check that fails links a chunk.
#include "policy/policy.hpp"
#include "stack/chunk.hpp"

namespace growstack::grow {

check_result link_chunk(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t argument_bytes) {
    overflow_reason reason;
    const check_result linked = push_chunk(self, frame, frame_bytes, argument_bytes, reason);
    if (linked.frame) [[likely]]
        return linked;
    return overflow(self, frame, frame_bytes, reason);
}

namespace {

check_result link_if_full(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t argument_bytes) {
    const bool may_stay = frame.limit != detail::limit_in_transition && !must_link(self);
    if (may_stay && self.has_room(frame.callee_sp(), frame_bytes)) return stay(self, frame);
    return link_chunk(self, frame, frame_bytes, argument_bytes);
}

} // namespace

const policy segmented_policy{
    .name = "segmented_stack",
    .cache_row = 1,
    .links = true,
    .guard_advice =
        "only a check can link a chunk: compile that code with -fsplit-stack, call it through "
        "growstack::call or growstack::native, or use contiguous_stack",
    .make_room = link_if_full,
};

} // namespace growstack::grow
