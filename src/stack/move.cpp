// The contiguous policy: newstack -> copystack -> adjust -> stackfree.
// Source: Go 1.19 runtime/stack.go, newstack, copystack and shrinkstack.
#include "base/fatal.hpp"
#include "base/modes.hpp"
#include "base/outward_call.hpp"
#include "base/trace.hpp"
#include "check/spare.hpp"
#include "memory/quarantine.hpp"
#include "observe/audit/audit.hpp"
#include "policy/policy.hpp"
#include "sanitizer/address_shadow.hpp"
#include "stack/jump_buffers.hpp"
#include "stack/room.hpp"
#include "stack/root_stack.hpp"

#include <growstack/detail/address_sanitizer.hpp>
#include <growstack/detail/root_slots.hpp>
#include "base/relocate.hpp"
#include "memory/stackalloc.hpp"
#include "stack/adjust.hpp"
#include "stack/alloca_block.hpp"
#include "stack/family.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace growstack::grow {
namespace {

std::uintptr_t* words_at(std::uintptr_t address) noexcept { return reinterpret_cast<std::uintptr_t*>(address); }

// As stackalloc counts them: the memory may be a little less.
std::size_t size_of(const stack& self) noexcept { return stackalloc_bytes(self.memory.bytes(), self.sizes->layout); }

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

// What to copy, and what counts as a pointer into it: a frame may have been set up that the memory has no room for.
struct live_range {
    std::uintptr_t lo;
    std::uintptr_t lowest_pointer;
    std::uintptr_t code;      // that asked for it; 0: none did
    bool is_at_fault = false; // at whatever instruction
    std::uintptr_t marked_lo =
        lo; // of the innermost frame, which may have been marked in the shadow, and not been touched yet
};

} // namespace

void set_shrink_above(stack& self) noexcept {
    const std::size_t bytes = size_of(self);
    self.shrink_above = bytes > self.sizes->initial_bytes ? self.memory.hi - bytes / 4 + self.sizes->headroom_bytes
                                                          : UINTPTR_MAX;
}

namespace {

// Copies the live frames to the high end of `fresh`, and re-points every word on the way.
displacement copystack(stack& self, bounds fresh, live_range live) noexcept {
    const bounds old = self.memory;
    const std::uintptr_t live_lo = live.lo;
    const displacement moved{{live.lowest_pointer, old.hi}, fresh.hi - old.hi};
    const std::size_t live_bytes = old.hi - live_lo;
    ++self.books().counts.moves;
    self.books().counts.bytes_copied += live_bytes;
    relocate(words_at(live_lo + moved.distance), words_at(live_lo), live_bytes / sizeof(std::uintptr_t), moved);
    if (is_observed()) {
        emit(trace_event::copystack, self, fresh, live_bytes);
        emit(trace_event::adjust, self, fresh, live_bytes,
             count_differences(words_at(live_lo), words_at(live_lo + moved.distance), live_bytes));
    }
    return moved;
}

void audit_after_move(const stack& self, bounds old, live_range live) noexcept {
    audit::audit({.stack = self,
                  .memory = old,
                  .frames = {live.lo, old.hi - sizeof(stack_books)},
                  .pointers = {live.lowest_pointer, old.hi},
                  .code = live.code,
                  .context = live.code ? nullptr : reinterpret_cast<const void*>(live.lo),
                  .is_in_handler = live.is_at_fault});
}

void tell_sanitizer(stack& self, live_range live, const displacement& moved) noexcept {
    move_shadow(self, live.lo, live.marked_lo, moved);
    // One that is being left is announced when it is entered again.
    if (this_thread().running == &self && detail::read_limit() != detail::limit_switching) announce_memory(self);
}

// Moves the stack to `bytes` of new memory. Returns false, and leaves all as it was, if there is none.
bool move(stack& self, std::size_t bytes, live_range live, displacement& moved) noexcept {
    const bounds fresh = stackalloc_to_move(bytes, self.sizes->layout, self.memory);
    if (!fresh.hi) return false;
    count_bytes(self, fresh.bytes(), self.memory.bytes());
    emit(trace_event::newstack, self, fresh, fresh.bytes());
    check_mark(self);
    const roots_lock lock{self};
    const bounds old = self.memory;
    std::uintptr_t opened_lo = std::exchange(self.books().opened_lo, 0);
    moved = copystack(self, fresh, live);
    self.books().mark = 0;
    self.memory = fresh;
    set_shrink_above(self); // the audit would find the old one
    if (self.has_jump_buffers) [[unlikely]]
        adjust_jump_buffers({live.lo + moved.distance, fresh.hi}, moved.from, moved);
    adjust_attached(self, moved);
    adjust_dependents(self, moved);
    adjust_roots(self, moved);
    if (is_sanitized()) [[unlikely]]
        tell_sanitizer(self, live, moved);
    if (is_auditing()) [[unlikely]]
        audit_after_move(self, old, live);
    close_room(self, {old, self.sizes->layout, opened_lo});
    emit(trace_event::stackfree, self, old, old.bytes());
    if (is_faulting()) [[unlikely]]
        quarantine(self, old, self.sizes->layout, live.code);
    else stackfree(old, self.sizes->layout);
    self.shallow_yields = 0;
    return true;
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

check_result make_room(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t argument_bytes) {
    const bool has_room = self.has_room(frame.callee_sp(), frame_bytes);
    const bool is_linking = must_link(self);
    if (is_pinned(self, frame.callee_sp()) || is_linking) {
        if (has_room && !is_linking) return stay(self, frame);
        return push_chunk(self, frame, frame_bytes, argument_bytes);
    }
    const std::size_t bytes = wanted_bytes(self, frame, frame_bytes);
    if (bytes > self.sizes->max_bytes) return overflow_with_room(self, frame, frame_bytes, overflow_reason::max_bytes);
    self.remove(shrink_requested);
    self.shallow_yields = 0;
    if (bytes == size_of(self) && !self.has(moves_always)) return stay(self, frame);

    check_frame* moved_frame = move_running(self, frame, bytes);
    if (!moved_frame) {
        if (has_room) return stay(self, frame);
        return overflow_with_room(self, frame, frame_bytes, overflow_reason::no_memory);
    }
    return stay(self, *moved_frame);
}

} // namespace

bool has_pin(stack& self, std::uintptr_t sp) noexcept {
    return self.top || self.pins || has_jump_pin(self, sp) || (is_sanitized() && has_fake_stack(self));
}

bool is_pinned(stack& self, std::uintptr_t sp) noexcept { return exceptions_in_flight() || has_pin(self, sp); }

const policy contiguous_policy{0, "contiguous_stack", true, make_room};

check_frame* grow_ahead(stack& self, check_frame& frame, std::size_t bytes) noexcept {
    if (self.kind() != &contiguous_policy || is_pinned(self, frame.callee_sp()) || self.has(links_always))
        return &frame;
    const std::size_t new_bytes = wanted_bytes(self, frame, bytes);
    if (new_bytes > self.sizes->max_bytes) return &frame;
    if (new_bytes == size_of(self) && !self.has(moves_always)) return &frame;
    check_frame* moved_frame = move_running(self, frame, new_bytes);
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
    const bool has_fake_frames = is_sanitized() && has_fake_stack(self);
    return self.kind() == &contiguous_policy && !self.top && !self.pins && !self.exceptions.in_flight &&
           !has_fake_frames && !has_jump_pin(self, reinterpret_cast<std::uintptr_t>(self.context));
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
    return self.sizes->move_at_guard && !is_pinned(self, sp) &&
           grown_bytes(self, self.memory.hi - sp + self.sizes->headroom_bytes) <= self.sizes->max_bytes;
}

void note_yield(stack& self) noexcept {
    if (has_noted_reserve(self)) {
        set_shrink_above(self);
        return leave_reserve();
    }
    // A coroutine that goes deep each time it is resumed would otherwise shrink and grow each time.
    constexpr unsigned yields_before_shrinking = 64;
    if (self.sizes->shrink_on_yield) {
        with_room([&self] { shrink_suspended(self); });
    } else if (!self.top && ++self.shallow_yields >= yields_before_shrinking) {
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
