// The contiguous policy: a check that fails moves the stack to twice the memory. Source: Go 1.19 runtime/stack.go,
// newstack and shrinkstack.
#include "policy/contiguous.hpp"
#include "base/outward_call.hpp"
#include "base/relocate.hpp"
#include "policy/policy.hpp"
#include "stack/alloca_block.hpp"
#include "stack/obstacle.hpp"
#include "stack/root_stack.hpp"

#include <algorithm>
#include <iterator>

namespace growstack::grow {
namespace {

// What it would have after a move to memory of that size.
std::size_t size_after_move(const stack& self, std::size_t bytes) noexcept {
    return stackalloc_bytes_to_move(bytes, self.sizes->layout, self.memory);
}

// While less than a quarter is used: half, or what it began with, if that is enough.
std::size_t shrunk_bytes(const stack& self, std::size_t needed) noexcept {
    std::size_t bytes = size_of(self);
    if (needed < bytes / 4 && needed <= self.sizes->initial_bytes) return self.sizes->initial_bytes;
    while (needed < bytes / 4 && bytes / 2 >= self.sizes->initial_bytes) bytes /= 2;
    return bytes;
}

std::size_t grown_bytes(const stack& self, std::size_t needed) noexcept {
    std::size_t bytes = size_of(self) * 2;
    while (bytes <= self.sizes->max_bytes && size_after_move(self, bytes) < needed) bytes *= 2;
    return bytes;
}

// How large the stack should be for frame_bytes more below `frame`: Go doubles until it fits, and halves when under a
// quarter is used. The result is more than max_bytes where that does not allow it.
std::size_t wanted_bytes(const stack& self, const check_frame& frame, std::size_t frame_bytes) noexcept {
    const std::size_t needed = self.memory.hi - frame.callee_sp() + frame_bytes + self.sizes->headroom_bytes;
    if (!self.has_room(frame.callee_sp(), frame_bytes)) return grown_bytes(self, needed);
    return self.has(shrink_requested) ? shrunk_bytes(self, needed) : size_of(self);
}

std::uintptr_t accessible_lo(stack& self) noexcept {
    return std::min(piece_of(self, nullptr).accessible_lo(), self.memory.lo);
}

// Moves the running stack; `frame` is its innermost one. Returns the frame's new place, null if there is no memory.
check_frame* move_running(stack& self, check_frame& frame, std::size_t bytes) noexcept {
    free_alloca_blocks(self, self.memory, frame.callee_sp());
    outward_call outward; // the callee's arguments may be vectors of pointers
    const auto live_lo = reinterpret_cast<std::uintptr_t>(&frame);
    displacement moved;
    if (!move(self, bytes, {live_lo, accessible_lo(self), frame.check_address}, moved)) return nullptr;
    relocate(outward.vectors.words, outward.vectors.words, std::size(outward.vectors.words), moved);
    return reinterpret_cast<check_frame*>(live_lo + moved.distance);
}

// The unwinder has no checks: a stack without a guard moves to one that has it.
check_result overflow_with_room(stack& self, check_frame& frame, std::size_t frame_bytes, overflow_reason reason) {
    check_frame* const roomy = is_tight(self) ? move_running(self, frame, detail::smallest_guarded_max_bytes) : &frame;
    if (!roomy) detail::fatal_no_room_to_throw(self);
    return overflow(self, *roomy, frame_bytes, reason);
}

check_result move_or_link(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t argument_bytes) {
    const bool has_room = self.has_room(frame.callee_sp(), frame_bytes);
    if (must_link(self)) return link_chunk(self, frame, frame_bytes, argument_bytes);
    if (obstacle_to_move(self, frame.callee_sp(), moment::check) != obstacle::none)
        return has_room ? stay(self, frame) : link_chunk(self, frame, frame_bytes, argument_bytes);
    const std::size_t bytes = wanted_bytes(self, frame, frame_bytes);
    if (bytes > self.sizes->max_bytes) return overflow_with_room(self, frame, frame_bytes, overflow_reason::max_bytes);
    self.remove(shrink_requested);
    self.shallow_yields = 0;
    if (bytes == size_of(self) && !self.has(moves_always)) return stay(self, frame);

    if (check_frame* const moved_frame = move_running(self, frame, bytes)) return stay(self, *moved_frame);
    if (has_room) return stay(self, frame);
    return overflow_with_room(self, frame, frame_bytes, overflow_reason::no_memory);
}

} // namespace

const policy contiguous_policy{
    .name = "contiguous_stack",
    .moves = true,
    .make_room = move_or_link,
};

check_frame* grow_ahead(stack& self, check_frame& frame, std::size_t bytes) noexcept {
    const bool may_move = obstacle_to_move(self, frame.callee_sp(), moment::check) == obstacle::none;
    if (!may_move || self.has(links_always)) return &frame;
    const std::size_t new_bytes = wanted_bytes(self, frame, bytes);
    if (new_bytes > self.sizes->max_bytes) return &frame;
    if (new_bytes == size_of(self) && !self.has(moves_always)) return &frame;
    check_frame* const moved_frame = move_running(self, frame, new_bytes);
    return moved_frame ? moved_frame : &frame;
}

std::optional<overflow_reason> move_at_fault(stack& self, std::uintptr_t live_lo, std::uintptr_t needed_lo,
                                             std::uintptr_t ip, displacement& moved) noexcept {
    const std::size_t needed = self.memory.hi - needed_lo + self.sizes->headroom_bytes;
    const std::size_t bytes = grown_bytes(self, needed);
    if (bytes > self.sizes->max_bytes) return overflow_reason::max_bytes;
    const std::uintptr_t lowest = accessible_lo(self);
    const std::uintptr_t copied_lo = std::max(lowest, live_lo & ~(sizeof(std::uintptr_t) - 1));
    // All that is guarded is the stack's own: what points there points to a frame that is being set up. Compilers
    // compute addresses in a frame before they lower sp to its end.
    const live_range live{copied_lo, piece_of(self, nullptr).guard().lo, ip, true, std::min(copied_lo, live_lo)};
    if (!move(self, bytes, live, moved)) return overflow_reason::no_memory;
    return {};
}

namespace {

bool may_move_suspended(stack& self) noexcept {
    const auto sp = reinterpret_cast<std::uintptr_t>(self.context);
    return obstacle_to_move(self, sp, moment::suspended) == obstacle::none;
}

bool move_suspended(stack& self, std::size_t bytes) noexcept {
    const auto sp = reinterpret_cast<std::uintptr_t>(self.context);
    displacement moved;
    if (!move(self, bytes, {sp, accessible_lo(self), 0}, moved)) return false;
    self.context = reinterpret_cast<void*>(moved.apply(sp));
    self.update_limit();
    return true;
}

} // namespace

bool can_grow(stack& self, std::uintptr_t sp) noexcept {
    return self.sizes->move_at_guard && obstacle_to_move(self, sp, moment::check) == obstacle::none &&
           grown_bytes(self, self.memory.hi - sp + self.sizes->headroom_bytes) <= self.sizes->max_bytes;
}

void note_yield(stack& self) noexcept {
    if (self.has(spare_is_open)) {
        self.remove(spare_is_open);
        update_note_yield_above(self);
        return leave_spare();
    }
    // A coroutine that goes deep each time it is resumed would otherwise shrink and grow each time.
    constexpr unsigned yields_before_shrinking = 64;
    if (self.sizes->shrink_on_yield) {
        with_room([&self] { shrink_suspended(self); });
    } else if (!self.innermost_chunk && ++self.shallow_yields >= yields_before_shrinking) {
        self.add(shrink_requested);
        self.update_limit();
    }
}

bool shrink_suspended(stack& self) noexcept {
    if (!may_move_suspended(self)) return false;
    const auto sp = reinterpret_cast<std::uintptr_t>(self.context);
    const std::size_t bytes = shrunk_bytes(self, self.memory.hi - sp + self.sizes->headroom_bytes);
    return bytes != size_of(self) && move_suspended(self, bytes);
}

bool grow_suspended(stack& self, std::size_t bytes) noexcept {
    const auto sp = reinterpret_cast<std::uintptr_t>(self.context);
    if (sp - self.innermost().lo >= bytes) return true;
    if (!may_move_suspended(self)) return false;
    const std::size_t new_bytes = grown_bytes(self, self.memory.hi - sp + bytes);
    return new_bytes <= self.sizes->max_bytes && move_suspended(self, new_bytes);
}

} // namespace growstack::grow
