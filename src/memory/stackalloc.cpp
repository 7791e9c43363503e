// stackalloc and stackfree. Compiled for general registers only; what leaves this file saves the vectors first.
#include "memory/stackalloc.hpp"
#include "base/outward_call.hpp"
#include "memory/stack_pool.hpp"
#include "sanitizer/address.hpp"
#include "sanitizer/address_shadow.hpp"
#include "system/thread_part.hpp"

#include <growstack/detail/address_sanitizer.hpp>
#include <growstack/detail/thread.hpp>
#include <growstack/stats.hpp>

#include <sys/mman.h>

#include <cstring>
#include <mutex>

namespace growstack {
namespace grow {

constinit thread_local thread_cache cache;

namespace {

constexpr int poison_byte = 0xfc; // Go's stackPoisonCopy

constinit thread_parts<thread_cache> caches;     // for memory()
constinit std::ptrdiff_t ended_bytes_in_use = 0; // of threads whose caches have ended; with the lock of `caches`

std::size_t bytes_in_use() noexcept {
    const std::lock_guard lock{caches.mutex};
    std::ptrdiff_t sum = ended_bytes_in_use;
    for (const thread_cache* c = caches.first; c; c = c->next) sum += c->used_bytes();
    return sum < 0 ? 0 : static_cast<std::size_t>(sum);
}

// For a thread whose thread-local objects are gone, too.
void count_in_use(std::ptrdiff_t bytes) noexcept {
    if (prepare_part(cache)) return cache.count(bytes);
    const std::lock_guard lock{caches.mutex};
    ended_bytes_in_use += bytes;
}

// The low part of a very large stack is given back to the system instead: it was hardly used, or reads as zeros now.
void poison(bounds memory) noexcept {
    constexpr std::size_t most_bytes = std::size_t{4} << 20;
    if (memory.bytes() > most_bytes) {
        ::madvise(reinterpret_cast<void*>(memory.lo), memory.bytes() - most_bytes, MADV_DONTNEED);
        memory.lo = memory.hi - most_bytes;
    }
    std::memset(reinterpret_cast<void*>(memory.lo), poison_byte, memory.bytes());
}

// Without the growth room, where frames leave no marks when it is closed.
bounds memory_of(stack_class c, std::uintptr_t slot_hi) noexcept { return {guard_below(c, slot_hi).hi, slot_hi}; }

// AddressSanitizer and Valgrind hear of each stack where it leaves the pool and where it comes back: no thread keeps
// any.
bool is_told_of_stacks() noexcept { return is_under_address_sanitizer() || is_under_valgrind(); }

std::uintptr_t take_slot(stack_class c, unsigned hi_class) noexcept {
    if (c < cached_classes && cache.is_ready && !is_told_of_stacks()) {
        free_stacks& stacks = cache.stacks[c];
        if (!stacks.count()) shared_pool().take_warm(c, stacks, most_cached(c) / 2);
        if (stacks.has(hi_class)) return stacks.pop(hi_class);
    }
    return shared_pool().take(c, hi_class);
}

} // namespace

void thread_cache::begin() noexcept {
    const std::lock_guard lock{caches.mutex};
    caches.add(*this);
}

void thread_cache::end() noexcept {
    give_cached_back();
    const std::lock_guard lock{caches.mutex};
    caches.remove(*this);
    ended_bytes_in_use += used_bytes();
    bytes_in_use = kept_bytes = 0;
}

void prepare_thread_cache() noexcept { prepare_part(cache); }

void give_cached_back() noexcept {
    for (stack_class c = 0; c < cached_classes; ++c) shared_pool().give(c, cache.stacks[c], 0);
}

void count_freed(std::ptrdiff_t bytes) noexcept { count_in_use(-bytes); }

bounds stackalloc_slowly(stack_class c, unsigned hi_class) noexcept {
    if (c >= stack_classes) return {};
    const outward_call outward;
    const std::uintptr_t slot_hi = take_slot(c, slot_hi_class(c, hi_class));
    if (!slot_hi) return {};
    count_in_use(static_cast<std::ptrdiff_t>(bytes_of(c)));
    // With the growth room: its place may have been another stack's memory, and have been forbidden as that.
    if (is_under_address_sanitizer()) forget_frames({guard_below(c, slot_hi).lo, slot_hi});
    return place_in_slot(c, slot_hi, hi_class);
}

void stackfree_slowly(std::uintptr_t slot_hi, stack_class c) noexcept {
    const outward_call outward;
    if (is_under_address_sanitizer()) forget_frames(memory_of(c, slot_hi));
    if (is_poisoning() && !is_under_valgrind()) poison({slot_hi - bytes_of(c), slot_hi});
    if (is_under_address_sanitizer()) forbid(memory_of(c, slot_hi));
    count_in_use(-static_cast<std::ptrdiff_t>(bytes_of(c)));
    if (!cache.is_ready || c >= cached_classes || is_told_of_stacks()) return shared_pool().give(c, slot_hi);
    if (cache.stacks[c].count() >= most_cached(c)) shared_pool().give(c, cache.stacks[c], most_cached(c) / 2);
    cache.stacks[c].push(slot_hi);
}

std::size_t stackalloc_bytes(std::size_t bytes, stack_layout layout) noexcept {
    const stack_class c = stack_class_of(bytes, layout);
    return c < stack_classes ? bytes_of(c) : SIZE_MAX;
}

std::size_t stackalloc_bytes_to_move(std::size_t bytes, stack_layout layout, bounds from) noexcept {
    const stack_class c = stack_class_of(bytes, layout);
    return c < stack_classes ? place_in_slot(c, slot_hi_of(c, from.hi), class_of_hi(from.hi)).bytes() : SIZE_MAX;
}

bounds stackalloc(std::size_t bytes, stack_layout layout) noexcept {
    return stackalloc_class(stack_class_of(bytes, layout));
}

bounds stackalloc_to_move(std::size_t bytes, stack_layout layout, bounds from) noexcept {
    const stack_class c = stack_class_of(bytes, layout);
    const unsigned hi_class = class_of_hi(from.hi), slots = slot_hi_class(c, hi_class);
    if (c >= cached_classes || !cache.stacks[c].has(slots)) return stackalloc_slowly(c, hi_class);
    cache.count(static_cast<std::ptrdiff_t>(bytes_of(c)));
    return place_in_slot(c, cache.stacks[c].pop(slots), hi_class);
}

void stackfree(bounds memory, stack_layout layout) noexcept {
    const stack_class c = stack_class_of(memory.bytes(), layout);
    stackfree_class(slot_hi_of(c, memory.hi), c);
}

bounds guard_of(bounds memory, stack_layout layout) noexcept {
    const stack_class c = stack_class_of(memory.bytes(), layout);
    return guard_below(c, slot_hi_of(c, memory.hi));
}

} // namespace grow

memory_stats memory() noexcept {
    const grow::checks_off quiet; // holds locks that growth takes
    const std::size_t in_use = grow::bytes_in_use();
    return {in_use, grow::shared_pool().cached_bytes(in_use)};
}

} // namespace growstack
