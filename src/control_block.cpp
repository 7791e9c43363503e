// The beginning of a coroutine, and its first function. Its end by destruction is in unwind.cpp.
#include "block_cache.hpp"
#include "stress.hpp"

#include <growstack/control_block.hpp>
#include <growstack/grow/family.hpp>
#include <growstack/switch.hpp>
#include <growstack/this_coroutine.hpp>

#include <algorithm>

namespace growstack::detail {
namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;
using grow::bounds;
using grow::stack;

// Leaves a coroutine that is at its end. Comes back if it has kept its stack and begins again, with another body.
// In line, always: see switch.hpp.
[[gnu::always_inline]] inline transfer_t die(stack& self, stack& resumer) noexcept {
    if (grow::is_sanitized()) grow::announce_switch(self, resumer, true);
    leave(grow::this_thread(), self, resumer);
    self.resumer = &self;
    return jump_fcontext(resumer.context, nullptr);
}

void run_body(control_block& block) noexcept {
    try {
        block.type->run(block);
    } catch (...) {
        // A forced unwind ends here, and must not leave this handler: that would count as stopping it.
        if (block.stack.destroyer) die(block.stack, *block.stack.destroyer);
        block.failure = std::current_exception();
    }
}

// The first function on a coroutine's stack.
void enter(transfer_t arrived) noexcept {
    auto& block = *static_cast<control_block*>(arrived.data);
    for (;;) {
        block.stack.resumer->context = arrived.fctx;
        if (grow::is_sanitized()) grow::confirm_switch(block.stack, *block.stack.resumer);
        block.stack.has_started = true;
        write_limit(block.stack.limit);
        run_body(block);
        arrived = die(block.stack, *block.stack.resumer);
    }
}

} // namespace

void* first_context(bounds memory) noexcept {
    return make_fcontext(reinterpret_cast<void*>(memory.hi), memory.bytes(), enter);
}

void join_running(control_block& block) noexcept {
    const grow::thread_state& thread = grow::this_thread();
    grow::join_family(block.stack, thread.running->kind ? *thread.running : *thread.native->caller);
}

bool trim(control_block& block) noexcept {
    if (!block.stack.is_suspended()) return false;
    const grow::checks_off quiet;
    grow::trim_suspended(block.stack);
    return true;
}

bool shrink(control_block& block) noexcept {
    if (!block.stack.is_suspended()) return false;
    const grow::checks_off quiet;
    return grow::shrink_suspended(block.stack);
}

stack_stats stats_of(const control_block& block) noexcept {
    const stack& s = block.stack;
    return {s.counts.moves,        s.counts.bytes_copied, s.chunks_linked,
            s.counts.guard_faults, s.is_dead() ? 0 : s.counts.stack_bytes,  s.counts.peak_stack_bytes};
}

} // namespace growstack::detail

void growstack::this_coroutine::ensure(std::size_t bytes) {
    const std::uintptr_t limit = detail::read_limit();
    if (limit == detail::limit_check_never) return;
    const auto sp = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const std::size_t wanted = std::min(bytes, detail::absurd_bytes); // more than that does not fit either
    if (limit == detail::limit_check_always || sp < limit || sp - limit < wanted) detail::growstack_ensure(wanted);
}

void growstack::this_coroutine::shrink() noexcept {
    grow::stack* self = grow::this_thread().running;
    if (!self || !self->kind || !self->kind->is_movable || self->top) return;
    self->add(grow::shrink_requested);
    detail::write_limit(self->update_limit());
}
