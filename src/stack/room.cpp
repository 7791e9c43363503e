// Opening and closing the growth room.
#include "stack/room.hpp"
#include "base/modes.hpp"
#include "base/outward_call.hpp"
#include "base/watch.hpp"
#include "sanitizer/address.hpp"
#include "system/guard.hpp"

#include <growstack/detail/thread.hpp>

#include <algorithm>

namespace growstack::grow {

using detail::page_bytes;

bool is_tight(stack& self) noexcept { return !innermost_piece(self).guard().bytes(); }

bool is_stack_tight() noexcept {
    stack* const self = this_thread().running;
    return self && self->policy() && is_tight(*self);
}

std::uintptr_t room_lo(const stack& self, const piece& p) noexcept {
    if (!p.guard().bytes()) return p.guard().hi;
    const std::size_t open_bytes = p.guard().hi - p.accessible_lo();
    const std::size_t other_bytes = self.books().stack_bytes - open_bytes;
    const std::size_t left_bytes = self.sizes->max_bytes > other_bytes ? self.sizes->max_bytes - other_bytes : 0;
    return p.guard().hi - (std::min(self.sizes->room_bytes, left_bytes) & ~(page_bytes - 1));
}

namespace {

bool open(stack& self, const piece& p, std::uintptr_t lo) noexcept {
    const bounds opened{lo, p.accessible_lo()};
    if (!remove_guard(opened)) return false;
    p.opened_lo = opened.lo;
    self.count_bytes(opened.bytes(), 0);
    tell(trace_event::open_room, self, opened, opened.bytes());
    return true;
}

} // namespace

bool open_room(stack& self, const piece& p, std::uintptr_t lo) noexcept {
    // A fault costs 5 us, another page next to nothing.
    const std::size_t bytes_ahead = std::max(3 * page_bytes, p.guard().hi - p.accessible_lo());
    const std::uintptr_t page = lo & ~(page_bytes - 1);
    if (!open(self, p, std::max(page - bytes_ahead, room_lo(self, p)))) return false;
    ++self.books().counts.guard_faults;
    return true;
}

bool open_beyond_room(stack& self, std::uintptr_t lo) noexcept {
    const piece p = innermost_piece(self);
    if (!p.guard().bytes()) return lo >= p.memory.lo;
    const std::uintptr_t lowest = p.guard().lo + page_bytes;
    const std::uintptr_t page = std::max(lo & ~(page_bytes - 1), lowest);
    const outward_call outward;
    return (page >= p.accessible_lo() || open(self, p, page)) && lo >= lowest;
}

void close_unused_room(stack& self, std::uintptr_t sp) noexcept {
    const piece p = innermost_piece(self);
    if (sp > p.guard().hi + page_bytes / 2) close_room(self, p);
}

void close_room(stack& self, const piece& p, std::uintptr_t hi) noexcept {
    if (!p.opened_lo || hi <= p.opened_lo) return;
    const outward_call outward;
    const bounds closed{p.opened_lo, std::min(hi, p.guard().hi)};
    p.opened_lo = closed.hi < p.guard().hi ? closed.hi : 0;
    self.books().stack_bytes -= closed.bytes();
    forget_frames(closed);
    install_guard(closed); // takes no mapping that was not there before the room was opened
}

} // namespace growstack::grow
