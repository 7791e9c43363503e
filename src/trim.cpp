// Giving memory back, of all coroutines.
//
// Coroutines are on no list, which would cost each of them. Where there is a stack, its mark is found at the high end of a slot.
#include "block_cache.hpp"
#include "stack_pool.hpp"
#include "with_room.hpp"

#include <growstack/heap/resource.hpp>
#include <growstack/trim.hpp>

#include <utility>

namespace growstack {
namespace grow {
namespace {

// The stack whose high end is at `hi`; null if there is none.
stack* stack_with_top(std::uintptr_t hi) noexcept {
    const stack_books& books = reinterpret_cast<const stack_books*>(hi)[-1];
    return books.mark == stack_books::whole && books.self->memory.hi == hi ? books.self : nullptr;
}

stack* stack_in_slot(stack_class c, std::uintptr_t top) noexcept {
    for (std::uintptr_t hi = top; hi > top - slot_alignment(c); hi -= top_step_bytes)
        if (stack* const found = stack_with_top(hi)) return found;
    return nullptr;
}

void trim_all_suspended() noexcept {
    chunk* chunks = nullptr; // given back afterwards: the pool is locked while its slots are visited
    shared_pool().for_each_used_slot([&chunks](stack_class c, std::uintptr_t top) noexcept {
        stack* const self = stack_in_slot(c, top);
        if (!self || !self->is_suspended()) return;
        trim_suspended_pieces(*self);
        if (self->ready) self->ready->older = std::exchange(chunks, self->ready);
    });
    while (chunks) free_kept_chunk(*std::exchange(chunks, chunks->older)->owner);
}

} // namespace
} // namespace grow

void trim() noexcept {
    grow::with_room([] {
        detail::free_kept_blocks();
        grow::trim_all_suspended();
        grow::give_cached_back();
        grow::shared_pool().trim();
        heap::scavenge();
    });
}

} // namespace growstack
