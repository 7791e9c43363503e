// Operations of a handle on a coroutine that does not run, and of a body on itself.
#include "policy/contiguous.hpp"
#include "stack/escape.hpp"
#include "stack/family.hpp"
#include "stack/release.hpp"
#include "stack/root_stack.hpp"

#include <algorithm>

namespace growstack::detail {

using grow::stack;

void join_running(control_block& block) noexcept {
    grow::with_room([&block] {
        const grow::thread_state& thread = grow::this_thread();
        grow::join_family(block.stack, thread.running->policy() ? *thread.running : *thread.native->caller);
    });
}

bool trim(control_block& block) noexcept {
    if (!block.stack.is_suspended()) return false;
    grow::with_room([&block] { grow::trim_suspended(block.stack); });
    return true;
}

bool shrink(control_block& block) noexcept {
    if (!block.stack.is_suspended()) return false;
    bool is_shrunk = false;
    grow::with_room([&] { is_shrunk = grow::shrink_suspended(block.stack); });
    return is_shrunk;
}

stack_stats stats_of(const control_block& block) noexcept {
    const stack& s = block.stack;
    const grow::growth_counts counts = s.counts();
    return {.moves = counts.moves,
            .bytes_copied = counts.bytes_copied,
            .chunks_linked = s.chunks_linked,
            .guard_faults = counts.guard_faults,
            .stack_bytes = s.is_dead() ? 0 : s.books().stack_bytes,
            .peak_stack_bytes = counts.peak_stack_bytes,
            .escape_stack_bytes = s.is_dead() ? 0 : grow::escape_bytes_in_use(s),
            .peak_escape_stack_bytes = s.is_dead() ? 0 : grow::escape_bytes_touched(s)};
}

} // namespace growstack::detail

void growstack::this_coroutine::ensure(std::size_t bytes) {
    const std::uintptr_t limit = detail::read_limit();
    if (limit == detail::limit_check_never || limit == detail::limit_switching) return;
    const auto sp = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const std::size_t wanted = std::min(bytes, detail::absurd_bytes); // more than that does not fit either
    if (limit == detail::limit_check_always || sp < limit || sp - limit < wanted) detail::growstack_ensure(wanted);
}

void growstack::this_coroutine::shrink() noexcept {
    grow::stack* self = grow::this_thread().running;
    if (!self || !self->policy() || !self->policy()->moves || self->innermost_chunk) return;
    self->add(grow::shrink_requested);
    detail::write_limit(self->update_limit());
}
