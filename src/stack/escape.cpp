// Escape stacks in pieces.
#include "stack/escape.hpp"
#include "base/outward_call.hpp"
#include "base/watch.hpp"
#include "stack/adjust.hpp"
#include "stack/jump_buffers.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <utility>

namespace growstack::grow {

using detail::exchange_escape_pointer;
using detail::read_escape_pointer;

namespace {

constexpr std::size_t deep_bytes = std::size_t{64} << 10; // below it, memory goes back with the piece

constexpr std::size_t escape_alignment = 16; // of the escape pointer, by the compiler

escape_piece* piece_with(const stack& self, std::uintptr_t pointer) noexcept {
    escape_piece* p = self.books().escape;
    while (p && !p->has(pointer)) p = p->older;
    return p;
}

// The thread's, if `self` runs. Not by thread.running: it lags behind the switch.
std::uintptr_t escape_pointer_of(const stack& self) noexcept {
    const std::uintptr_t current = read_escape_pointer();
    return piece_with(self, current) ? current : self.escape_pointer;
}

// Calls visit(bounds) for each part that is in use.
template <class Visit>
void for_each_in_use(const stack& self, Visit visit) {
    if (!self.books().escape) return;
    const std::uintptr_t pointer = escape_pointer_of(self);
    const escape_piece* p = piece_with(self, pointer);
    if (!p) return;
    visit(bounds{pointer, p->memory.hi});
    while ((p = p->older)) visit(bounds{p->left_at, p->memory.hi});
}

bounds whole_words(bounds range) noexcept {
    constexpr std::uintptr_t mask = sizeof(std::uintptr_t) - 1;
    return {(range.lo + mask) & ~mask, range.hi};
}

// A piece larger than all before, or as large as the options allow.
bool add_piece(stack& self) noexcept {
    const std::size_t most = std::max(self.sizes->escape_bytes, self.sizes->max_bytes), total = escape_bytes(self);
    std::size_t bytes = std::max(escape_piece_bytes(2 * total), detail::default_escape_bytes);
    while (bytes > most - total) bytes /= 2;
    if (bytes < escape_piece_bytes(1)) return false;
    const outward_call outward;
    escape_piece* const piece = take_escape_piece(bytes);
    if (!piece) return false;
    piece->older = std::exchange(self.books().escape, piece);
    self.add(has_more_escape);
    tell(trace_event::add_escape, self, piece->memory, bytes);
    return true;
}

// Lets the running stack go on in its newest piece. What lies between has nothing in use.
void enter_newest(stack& self, std::uintptr_t pointer) noexcept {
    escape_piece* const newest = self.books().escape;
    for (escape_piece* p = newest->older; p; p = p->older) {
        const bool is_left = p->has(pointer);
        p->left_at = is_left ? pointer : p->memory.hi;
        if (is_left) break;
    }
    exchange_escape_pointer(newest->memory.hi);
}

void give_newest(stack& self) noexcept {
    escape_piece& newest = *std::exchange(self.books().escape, self.books().escape->older);
    const bool keeps_all = !self.has(has_more_escape) || newest.memory.bytes() <= deep_bytes;
    give_escape_piece(newest, keeps_all ? newest.memory.lo : newest.memory.hi - deep_bytes);
}

} // namespace

bool begin_escape(stack& self) noexcept {
    if (!detail::has_escape_stacks()) return true;
    escape_piece* const piece = take_escape_piece(self.sizes->escape_bytes);
    if (!piece) return false;
    self.books().escape = piece;
    self.escape_pointer = self.books().escape_hi = piece->memory.hi;
    return true;
}

void release_escape(stack& self) noexcept {
    while (self.books().escape) give_newest(self);
    self.escape_pointer = self.books().escape_hi = 0;
}

bool ensure_escape(stack& self) noexcept {
    if (!self.books().escape) return true;
    const std::uintptr_t pointer = read_escape_pointer();
    escape_piece* const current = piece_with(self, pointer);
    if (!current) return false;
    const bool is_first_in_hard_mode = self.has(moves_always) && !current->older;
    const bool is_full = pointer < current->memory.lo;
    if (!self.has(escape_is_low) && !is_full && !is_first_in_hard_mode) return true;
    const bool has_newer = current != self.books().escape || add_piece(self);
    if (!has_newer && is_full) return false;
    if (has_newer) enter_newest(self, pointer);
    self.remove(escape_is_low);
    const outward_call outward;
    close_room(*current, pointer);
    return true;
}

bool open_escape_room(stack& self, std::uintptr_t touched) noexcept {
    escape_piece* p = self.books().escape;
    while (p && !bounds{p->room_lo, p->opened_lo}.contains(touched)) p = p->older;
    if (!p || !open_room(*p)) return false;
    self.add(escape_is_low);
    for (chunk* c = self.innermost_chunk; c; c = c->older)
        c->entered_from->limit = detail::limit_check_always; // where its callee returns to
    return true;
}

void adjust_escape(stack& self, const displacement& moved) noexcept {
    for_each_in_use(self, [&moved](bounds range) { adjust_range(whole_words(range), moved); });
}

void adjust_escaped_jump_buffers(stack& self, bounds frames, const displacement& moved) noexcept {
    for_each_in_use(self, [&](bounds range) { adjust_jump_buffers(whole_words(range), frames, moved); });
}

std::uint32_t escape_depth(const stack& self) noexcept {
    return static_cast<std::uint32_t>(escape_bytes_in_use(self) / escape_alignment);
}

// Pieces that are older than the present one have been left where they will be found.
void return_to_escape_depth(stack& self, std::uint32_t depth) noexcept {
    std::size_t before = escape_bytes_in_use(self); // this piece
    const std::size_t wanted = depth * escape_alignment;
    const escape_piece* p = piece_with(self, read_escape_pointer());
    for (std::uintptr_t lo = read_escape_pointer(); p; p = p->older, lo = p ? p->left_at : 0) {
        before -= p->memory.hi - lo;
        if (wanted < before) continue;
        exchange_escape_pointer(p->memory.hi - (wanted - before));
        return;
    }
}

void visit_escape(const stack& self, void (*visit)(bounds, void*), void* argument) noexcept {
    for_each_in_use(self, [&](bounds range) { visit(range, argument); });
}

bool is_on_escape(const stack& self, std::uintptr_t address) noexcept {
    bool is_found = false;
    for_each_in_use(self, [&](bounds range) { is_found = is_found || range.contains(address); });
    return is_found;
}

bool is_escape_guard(const stack& self, std::uintptr_t address) noexcept {
    const escape_piece* p = self.books().escape;
    while (p && !guard_of(*p).contains(address)) p = p->older;
    return p;
}

bool is_over_escape_end(const stack& self) noexcept {
    return self.books().escape && !piece_with(self, read_escape_pointer());
}

void trim_escape(stack& self) noexcept {
    bool is_in_use = false;
    for (escape_piece* p = self.books().escape; p; p = p->older) {
        const bool is_current = p->has(self.escape_pointer);
        const std::uintptr_t used_lo = is_current ? self.escape_pointer : is_in_use ? p->left_at : p->memory.hi;
        is_in_use = is_in_use || is_current;
        const std::uintptr_t hi = used_lo & ~(detail::page_bytes - 1);
        if (hi > p->opened_lo) ::madvise(reinterpret_cast<void*>(p->opened_lo), hi - p->opened_lo, MADV_DONTNEED);
    }
}

std::size_t escape_bytes(const stack& self) noexcept {
    std::size_t sum = 0;
    for (const escape_piece* p = self.books().escape; p; p = p->older) sum += p->memory.bytes();
    return sum;
}

std::size_t escape_bytes_in_use(const stack& self) noexcept {
    std::size_t sum = 0;
    for_each_in_use(self, [&sum](bounds range) { sum += range.bytes(); });
    return sum;
}

std::size_t escape_bytes_touched(const stack& self) noexcept {
    constexpr std::size_t pages_at_once = 256; // on whatever stack this is called
    std::array<unsigned char, pages_at_once> has_memory;
    std::size_t pages = 0;
    for (const escape_piece* p = self.books().escape; p; p = p->older)
        for (std::uintptr_t at = p->opened_lo; at < p->memory.hi; at += pages_at_once * detail::page_bytes) {
            const std::size_t bytes = std::min(p->memory.hi - at, pages_at_once * detail::page_bytes);
            if (::mincore(reinterpret_cast<void*>(at), bytes, has_memory.data()) != 0) continue;
            for (std::size_t i = 0; i < bytes / detail::page_bytes; ++i) pages += has_memory[i] & 1;
        }
    return pages * detail::page_bytes;
}

} // namespace growstack::grow
