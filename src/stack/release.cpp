// Trimming a stack that waits, and giving one back that has ended.
#include "stack/release.hpp"
#include "base/fatal.hpp"
#include "stack/alloca_block.hpp"
#include "stack/chunk.hpp"
#include "stack/escape.hpp"
#include "stack/family.hpp"
#include "stack/room.hpp"

#include <growstack/detail/root_slots.hpp>
#include <growstack/detail/thread_sanitizer.hpp>

#include <sys/mman.h>

#include <utility>

namespace growstack::grow {
namespace {

// Whole pages only.
void decommit(std::uintptr_t lo, std::uintptr_t hi) noexcept {
    hi &= ~(detail::page_bytes - 1);
    if (hi > lo) ::madvise(reinterpret_cast<void*>(lo), hi - lo, MADV_DONTNEED);
}

void trim_piece(stack& self, const piece& p, std::uintptr_t sp) noexcept {
    close_room(self, p, sp & ~(detail::page_bytes - 1));
    decommit(p.accessible_lo(), sp);
}

} // namespace

void trim_suspended(stack& self) noexcept {
    free_kept_chunk(self);
    trim_suspended_pieces(self);
}

void trim_suspended_pieces(stack& self) noexcept {
    for_each_piece(self, [&self](const piece& p, bounds frames) { trim_piece(self, p, frames.lo); });
    trim_escape(self);
}

void check_mark(const stack& self) noexcept {
    if (self.books().mark != stack_books::whole) [[unlikely]]
        detail::fatal_stack_overwritten(self,
                                        self.memory.hi + stackalloc_bytes(self.memory.bytes(), self.sizes->layout));
}

void release_stack(stack& self) noexcept {
    if (!self.memory.hi) return;
    check_mark(self);
    leave_family(self);
    leave_roots(self);
    release_chunks(self);
    free_alloca_blocks(self, {0, UINTPTR_MAX}, UINTPTR_MAX);
    if (self.books().opened_lo) close_room(self, piece_of(self, nullptr));
    free_tsan_fiber(self);
    release_escape(self);
    self.books().mark = 0;
    self.note_yield_above = UINTPTR_MAX; // the audit would find the old one: an address in memory that is given back
    self.keep_counts();
    stackfree(std::exchange(self.memory, {}), self.sizes->layout);
}

} // namespace growstack::grow
