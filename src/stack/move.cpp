// A stack moves: newstack -> copystack -> adjust -> stackfree. Source: Go 1.19 runtime/stack.go, copystack.
#include "stack/move.hpp"
#include "memory/quarantine.hpp"
#include "sanitizer/address_shadow.hpp"
#include "sanitizer/valgrind.hpp"
#include "stack/adjust.hpp"
#include "stack/escape.hpp"
#include "stack/family.hpp"
#include "stack/jump_buffers.hpp"
#include "stack/release.hpp"
#include "stack/room.hpp"

#include <growstack/detail/root_slots.hpp>

#include <utility>

namespace growstack::grow {
namespace {

std::uintptr_t* words_at(std::uintptr_t address) noexcept { return reinterpret_cast<std::uintptr_t*>(address); }

bounds newstack(stack& self, std::size_t bytes) noexcept {
    const bounds fresh = stackalloc_to_move(bytes, self.sizes->layout, self.memory);
    if (!fresh.hi) return fresh;
    self.count_bytes(fresh.bytes(), self.memory.bytes());
    tell(trace_event::newstack, self, fresh, fresh.bytes());
    check_mark(self);
    return fresh;
}

// Copies the live frames to the high end of the fresh memory, and re-points every word on the way.
void copystack(const stack_move& m) noexcept {
    stack& self = m.self;
    const std::size_t live_bytes = m.old.hi - m.live.lo;
    ++self.books().counts.moves;
    self.books().counts.bytes_copied += live_bytes;
    relocate(words_at(m.live.lo + m.moved.distance), words_at(m.live.lo), live_bytes / sizeof(std::uintptr_t), m.moved);
    self.books().mark = 0;
    self.memory = m.fresh;
    self.books().opened_lo = 0;
    self.remove(spare_is_open);
    update_note_yield_above(self); // the audit would find the old one
    tell(trace_event::copystack, self, m.fresh, live_bytes);
}

// How many live words have been re-pointed.
std::size_t count_pointers(const stack_move& m) noexcept {
    std::size_t count = 0;
    for (std::uintptr_t at = m.live.lo; at < m.old.hi - sizeof(stack_books); at += sizeof at)
        count += *words_at(at) != *words_at(at + m.moved.distance);
    define_for_valgrind(&count, sizeof count);
    return count;
}

// Re-points what the copy has not: jump buffers, what hangs on the stack outside of it, its dependents, its roots.
void adjust(const stack_move& m) noexcept {
    stack& self = m.self;
    const bounds live{m.live.lo + m.moved.distance, m.fresh.hi};
    if (self.has(has_jump_buffers)) [[unlikely]] {
        adjust_jump_buffers(live, m.moved.from, m.moved);
        adjust_escaped_jump_buffers(self, m.moved.from, m.moved);
    }
    adjust_attached(self, m.moved);
    adjust_escape(self, m.moved);
    adjust_dependents(self, m.moved);
    adjust_roots(self, m.moved);
    for (const displacement& form : other_forms_of(m.moved)) {
        adjust_range(live, form);
        adjust_attached(self, form);
        adjust_escape(self, form);
        adjust_dependents(self, form);
    }
    if (is_watched()) tell_watchers({trace_event::adjust, self, m.fresh, m.old.hi - m.live.lo, count_pointers(m), &m});
}

void stackfree(const stack_move& m, std::uintptr_t opened_lo) noexcept {
    stack& self = m.self;
    close_room(self, {m.old, self.sizes->layout, opened_lo});
    tell(trace_event::stackfree, self, m.old, m.old.bytes());
    stackfree_after_move(self, m.old, self.sizes->layout, m.live.code);
    self.shallow_yields = 0;
}

} // namespace

std::size_t size_of(const stack& self) noexcept { return stackalloc_bytes(self.memory.bytes(), self.sizes->layout); }

void update_note_yield_above(stack& self) noexcept {
    const std::size_t bytes = size_of(self);
    const bool may_shrink = bytes > self.sizes->initial_bytes;
    const std::uintptr_t quarter = self.memory.hi - bytes / 4 + self.sizes->headroom_bytes;
    self.note_yield_above = self.has(spare_is_open) ? 0 : may_shrink ? quarter : UINTPTR_MAX;
}

bool move(stack& self, std::size_t bytes, const live_range& live, displacement& moved) noexcept {
    const bounds fresh = newstack(self, bytes);
    if (!fresh.hi) return false;
    const roots_lock lock{self};
    const stack_move m{.self = self, .old = self.memory, .fresh = fresh, .live = live};
    const std::uintptr_t opened_lo = self.books().opened_lo;
    copystack(m);
    adjust(m);
    stackfree(m, opened_lo);
    moved = m.moved;
    return true;
}

} // namespace growstack::grow
