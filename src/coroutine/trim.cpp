// Giving memory back, of all coroutines.
#include "coroutine/block_cache.hpp"
#include "memory/escape_pool.hpp"
#include "memory/find_stack.hpp"
#include "memory/quarantine.hpp"
#include "memory/stack_pool.hpp"
#include "stack/chunk.hpp"
#include "stack/release.hpp"
#include "stack/root_stack.hpp"

#include <growstack/heap/resource.hpp>
#include <growstack/trim.hpp>

#include <utility>

namespace growstack {
namespace grow {
namespace {

void trim_all_suspended() noexcept {
    chunk* chunks = nullptr; // given back afterwards: the pool is locked while its slots are visited
    shared_pool().for_each_used_slot([&chunks](stack_class c, std::uintptr_t slot_hi) noexcept {
        stack* const self = stack_in_slot(c, slot_hi);
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
        grow::end_quarantine();
        grow::trim_all_suspended();
        grow::give_cached_back();
        grow::shared_pool().trim();
        grow::trim_escape_pool();
        heap::scavenge();
    });
}

} // namespace growstack
