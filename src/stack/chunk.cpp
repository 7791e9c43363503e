// Linking a chunk where a stack is full, and unlinking it. Source: libgcc generic-morestack.c.
#include "stack/chunk.hpp"
#include "base/watch.hpp"
#include "memory/stack_cache.hpp"
#include "sanitizer/valgrind.hpp"
#include "stack/alloca_block.hpp"
#include "stack/room.hpp"

#include <new>
#include <utility>

namespace growstack::grow {
namespace {

constexpr std::uintptr_t argument_alignment = 64; // of the widest vector passed by value

std::size_t chunk_bytes_for(const stack& self, std::size_t frame_bytes, std::size_t argument_bytes) noexcept {
    const std::size_t needed = sizeof(chunk) + argument_bytes + argument_alignment + frame_bytes +
                               self.sizes->headroom_bytes;
    return needed > self.sizes->chunk_bytes ? stackalloc_bytes(needed) : self.sizes->chunk_bytes;
}

void free_chunk(stack& self, chunk* c) noexcept {
    self.books().stack_bytes -= bytes_of(c->size_class);
    if (c->opened_lo) [[unlikely]]
        close_room(self, piece_of(self, c));
    stackfree_class(c->memory.hi, c->size_class);
}

// Null if the stack may not have so much, or the system gives none; `reason` says which.
chunk* new_chunk(stack& self, std::size_t bytes, overflow_reason& reason) noexcept {
    reason = overflow_reason::max_bytes;
    if (self.books().stack_bytes + bytes > self.sizes->max_bytes) [[unlikely]]
        return nullptr;
    reason = overflow_reason::no_memory;
    const stack_class size_class = stack_class_of(bytes, stack_layout::guarded);
    const bounds memory = stackalloc_class(size_class);
    if (!memory.hi) [[unlikely]]
        return nullptr;
    self.count_bytes(memory.bytes(), 0);
    auto* c = new (reinterpret_cast<void*>(memory.hi - sizeof(chunk))) chunk;
    c->owner = &self;
    c->memory = memory;
    c->size_class = size_class;
    return c;
}

// The kept chunk if it is large enough. Otherwise a new one, and the kept one goes: one is kept.
chunk* take_chunk(stack& self, std::size_t bytes, overflow_reason& reason) noexcept {
    if (self.ready && self.ready->memory.bytes() >= bytes) return std::exchange(self.ready, nullptr);
    free_kept_chunk(self);
    return new_chunk(self, bytes, reason);
}

// Copies the callee's stack arguments to below `hi` and returns where they lie: sp at the call. Alignment is kept.
std::uintptr_t copy_arguments(std::uintptr_t hi, const check_frame& frame, std::size_t argument_bytes) noexcept {
    if (!argument_bytes) return hi;
    if (is_under_valgrind()) reuse_for_valgrind({hi - argument_bytes - 2 * argument_alignment, hi});
    const std::uintptr_t from = frame.callee_sp() + sizeof frame.return_address;
    std::uintptr_t to = hi - argument_bytes;
    to -= (to - from) & (argument_alignment - 1);
    const auto* source = reinterpret_cast<const unsigned char*>(from);
    auto* target = reinterpret_cast<volatile unsigned char*>(to);
    for (std::size_t i = 0; i < argument_bytes; ++i) target[i] = source[i];
    return to;
}

} // namespace

void free_kept_chunk(stack& self) noexcept {
    if (!self.ready) return;
    tell(trace_event::stackfree, self, self.ready->memory, self.ready->memory.bytes());
    free_chunk(self, std::exchange(self.ready, nullptr));
}

check_result push_chunk(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t argument_bytes,
                        overflow_reason& reason) {
    // A signal handler's check, in the few instructions in which __morestack enters or leaves the kept chunk: that
    // chunk is not ours to take, nor is the place where the next one is kept. The same for whatever it calls.
    const bool is_in_transition = frame.limit == detail::limit_in_transition ||
                                  (self.innermost_chunk && self.innermost_chunk->is_in_transition);
    const std::size_t bytes = chunk_bytes_for(self, frame_bytes, argument_bytes);
    chunk* c = is_in_transition ? new_chunk(self, bytes, reason) : take_chunk(self, bytes, reason);
    if (!c) [[unlikely]]
        return {nullptr, nullptr};
    c->is_in_transition = is_in_transition;
    c->is_kept = self.sizes->keep_chunk && !is_in_transition;
    c->older = self.innermost_chunk;
    c->entered_from = &frame;
    self.innermost_chunk = c;
    c->limit = self.update_limit();
    ++self.chunks_linked;
    frame.entered = c;
    tell(trace_event::push_chunk, self, c->memory, c->is_new ? c->memory.bytes() : 0);
    c->is_new = false;
    return {&frame,
            reinterpret_cast<void*>(copy_arguments(reinterpret_cast<std::uintptr_t>(c), frame, argument_bytes))};
}

void pop_chunk(check_frame& frame) noexcept {
    chunk* c = frame.entered;
    stack& self = *c->owner;
    self.innermost_chunk = c->older;
    if (self.books().allocas) [[unlikely]]
        free_alloca_blocks(self, c->memory, c->memory.hi);
    if (frame.limit != detail::limit_in_transition) frame.limit = self.update_limit();
    tell(trace_event::pop_chunk, self, c->memory, c->is_kept ? 0 : c->memory.bytes());
    if (!c->is_kept) return free_chunk(self, c);
    free_kept_chunk(self);
    self.ready = c;
}

void release_chunks(stack& self) noexcept {
    free_kept_chunk(self);
    while (self.innermost_chunk) {
        chunk* c = self.innermost_chunk;
        self.innermost_chunk = c->older;
        free_chunk(self, c);
    }
}

} // namespace growstack::grow
