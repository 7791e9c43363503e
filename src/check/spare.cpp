// What becomes of an open reserve: growstack/detail/spare.hpp.
#include "check/spare.hpp"
#include "stack/room.hpp"

#include <growstack/errors.hpp>
#include <growstack/this_coroutine.hpp>

namespace growstack::grow {
namespace {

// What leave_reserve_slowly and growth take from where they are called.
constexpr std::size_t call_bytes = 512;

bool is_open(stack& self) noexcept {
    const piece p = piece_of(self, self.top);
    return p.accessible_lo() < room_lo(self, p);
}

} // namespace

// At a resume, on the stack that is left and on that which is entered: the latter's yield is where the former goes on.
void note_reserve(stack& self) noexcept {
    for (stack* s : {&self, this_thread().running})
        if (s->kind() && s->kind()->is_movable) s->shrink_above = 0;
}

void leave_reserve_slowly(stack& running) noexcept {
    set_shrink_above(running);
    const auto sp = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    if (!is_open(running) || !can_grow(running, sp - call_bytes)) return;
    detail::write_limit(running.limit);
    try {
        detail::growstack_ensure(0);
    } catch (const stack_overflow&) { // no memory: it goes on where it is, and the next fault ends with a message
    }
}

} // namespace growstack::grow
