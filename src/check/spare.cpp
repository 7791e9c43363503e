// Leaves an open spare.
#include "policy/contiguous.hpp"
#include "stack/room.hpp"

#include <growstack/this_coroutine.hpp>

namespace growstack::grow {
namespace {

// What leave_spare_slowly and growth take from where they are called.
constexpr std::size_t call_bytes = 512;

bool is_open(stack& self) noexcept {
    const piece p = innermost_piece(self);
    return p.accessible_lo() < room_lo(self, p);
}

} // namespace

// At a resume, on the stack that is left and on that which is entered: the latter's yield is where the former goes on.
void note_spare(stack& self) noexcept {
    for (stack* s : {&self, this_thread().running}) {
        if (!s->policy() || !s->policy()->moves) continue;
        s->add(spare_is_open);
        update_note_yield_above(*s);
    }
}

void leave_spare_slowly(stack& running) noexcept {
    running.remove(spare_is_open);
    update_note_yield_above(running);
    const auto sp = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    if (!is_open(running) || !can_grow(running, sp - call_bytes)) return;
    detail::write_limit(running.limit);
    try {
        detail::growstack_ensure(0);
    } catch (const stack_overflow&) { // no memory: it goes on where it is, and the next fault ends with a message
    }
}

} // namespace growstack::grow
