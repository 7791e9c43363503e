// The policies whose stacks do not grow, fixed and reserved: a check that fails is an overflow.
#include "policy/policy.hpp"

namespace growstack::grow {
namespace {

check_result refuse(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t) {
    if (self.has_room(frame.callee_sp(), frame_bytes)) return stay(self, frame);
    return overflow(self, frame, frame_bytes, self.policy()->overflow);
}

} // namespace

const policy fixed_policy{
    .name = "fixed_stack",
    .cache_row = 3,
    .overflow = overflow_reason::fixed_size,
    .guard_advice = "this stack cannot grow: raise stack_options::initial_bytes, or use contiguous_stack",
    .make_room = refuse,
};

const policy reserved_policy{
    .name = "reserved_stack",
    .cache_row = 2,
    .reserves = true,
    .overflow = overflow_reason::reserved_size,
    .guard_advice = "its address space is used up: raise stack_options::max_bytes",
    .make_room = refuse,
};

} // namespace growstack::grow
