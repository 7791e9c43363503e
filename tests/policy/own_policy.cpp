// What a policy does runs during growth: it is compiled as the library is, without checks and for general registers.
#include "own_policy.hpp"

#include "policy/policy.hpp"

#include <algorithm>

namespace test {
namespace {

namespace grow = growstack::grow;

grow::check_result make_room(grow::stack& self, grow::check_frame& frame, std::size_t frame_bytes,
                             std::size_t argument_bytes) {
    const bool may_stay = frame.limit != growstack::detail::limit_in_transition && !grow::must_link(self);
    if (may_stay && self.has_room(frame.callee_sp(), frame_bytes)) return grow::stay(self, frame);
    const std::size_t all_bytes = self.books().stack_bytes;
    const std::size_t wanted = all_bytes <= self.sizes->max_bytes / 4 ? std::max(frame_bytes, all_bytes) : frame_bytes;
    return grow::link_chunk(self, frame, wanted, argument_bytes);
}

constexpr grow::policy doubling_policy{.name = "doubling_stack", .links = true, .make_room = make_room};

} // namespace

const grow::policy& doubling_stack::policy() noexcept { return doubling_policy; }

} // namespace test
