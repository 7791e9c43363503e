// The first C++ function on a coroutine's stack: runs the body, leaves at its end, and runs the next body when the
// block is used again.
//
// With vector registers, unlike its neighbours: a switch moves the exception state by 16 bytes at a time in users'
// code. Had it been stored in two halves here, the next switch's load would wait until both have left the store buffer.
#include "arch/arch.hpp"
#include "base/modes.hpp"
#include "coroutine/block_cache.hpp"

#include <growstack/detail/switch.hpp>

namespace growstack::detail {
namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;
using grow::stack;

// Leaves a coroutine that is at its end. Comes back if it has kept its stack and begins again, with another body.
// In line, always: see switch.hpp.
[[gnu::always_inline]] inline transfer_t die(stack& self, stack& resumer) noexcept {
    if (grow::is_under_address_sanitizer()) {
        write_limit(limit_check_never); // first: see leave()
        grow::announce_switch(self, resumer, true);
    }
    leave(grow::this_thread(), self, resumer);
    self.add(grow::has_ended);
    return jump_fcontext(resumer.context, nullptr);
}

void run_body(control_block& block) noexcept {
    try {
        block.type->run(block);
    } catch (...) {
        // A forced unwind ends here, and must not leave this handler: that would count as stopping it.
        if (stack* const destroyer = block.stack.books().destroyer) die(block.stack, *destroyer);
        block.books().failure = std::current_exception();
    }
}

} // namespace

// Called by growstack_first_frame. C linkage: so its name is known there.
extern "C" void growstack_enter(transfer_t arrived) noexcept {
    auto& block = *static_cast<control_block*>(arrived.data);
    for (;;) {
        block.stack.resumer->context = arrived.fctx;
        if (grow::is_under_address_sanitizer()) grow::confirm_switch(block.stack, *block.stack.resumer);
        block.stack.add(grow::has_started);
        write_limit(block.stack.limit);
        run_body(block);
        arrived = die(block.stack, *block.stack.resumer);
    }
}

void* first_context(control_block& block) noexcept {
    return make_fcontext(&block.books(), block.stack.memory.bytes(), growstack_first_frame);
}

} // namespace growstack::detail
