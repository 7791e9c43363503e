// stackalloc and stackfree. Compiled for general registers only; what leaves this file saves the vectors first.
#include "base/outward_call.hpp"
#include "memory/stack_pool.hpp"
#include "sanitizer/address_shadow.hpp"

#include <growstack/detail/address_sanitizer.hpp>
#include <growstack/detail/thread.hpp>
#include <growstack/stats.hpp>
#include "memory/stackalloc.hpp"

#include <sys/mman.h>

#include <cstring>
#include <mutex>

namespace growstack {
namespace grow {

constinit thread_local thread_cache cache;

namespace {

constexpr int poison_byte = 0xfc; // Go's stackPoisonCopy

// Every thread's cache, for memory().
class cache_registry {
public:
    void add(thread_cache& c) noexcept {
        const std::lock_guard lock{mutex_};
        c.next = first_;
        first_ = &c;
    }

    void remove(thread_cache& c) noexcept {
        const std::lock_guard lock{mutex_};
        thread_cache** link = &first_;
        while (*link != &c) link = &(*link)->next;
        *link = c.next;
        ended_bytes_in_use_ += c.used_bytes();
        c.bytes_in_use = c.kept_bytes = 0;
    }

    // For a thread that frees a stack after its thread-local objects are gone.
    void count_after_end(std::ptrdiff_t bytes) noexcept {
        const std::lock_guard lock{mutex_};
        ended_bytes_in_use_ += bytes;
    }

    std::size_t bytes_in_use() noexcept {
        const std::lock_guard lock{mutex_};
        std::ptrdiff_t sum = ended_bytes_in_use_;
        for (const thread_cache* c = first_; c; c = c->next) sum += c->used_bytes();
        return sum < 0 ? 0 : static_cast<std::size_t>(sum);
    }

private:
    std::mutex mutex_;
    thread_cache* first_ = nullptr;
    std::ptrdiff_t ended_bytes_in_use_ = 0;
};

constinit cache_registry registry;

struct thread_end {
    ~thread_end() {
        give_cached_back();
        registry.remove(cache);
        cache.is_ready = false;
        cache.has_ended = true;
    }
};

// Returns whether this thread may use its cache.
bool prepare_cache() noexcept {
    if (cache.has_ended) return false;
    if (cache.is_ready) return true;
    cache.is_ready = true;
    registry.add(cache);
    static thread_local thread_end at_thread_end;
    static_cast<void>(&at_thread_end);
    return true;
}

// For a thread whose thread-local objects are gone, too.
void count_in_use(std::ptrdiff_t bytes) noexcept {
    if (prepare_cache()) cache.count(bytes);
    else registry.count_after_end(bytes);
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
bounds memory_of(stack_class c, std::uintptr_t top) noexcept { return {guard_below(c, top).hi, top}; }

// AddressSanitizer and Valgrind hear of each stack where it leaves the pool and where it comes back: no thread keeps
// any.
bool is_told_of_stacks() noexcept { return is_sanitized() || is_under_valgrind(); }

std::uintptr_t take_top(stack_class c, unsigned top_class) noexcept {
    if (c < cached_classes && cache.is_ready && !is_told_of_stacks()) {
        free_stacks& stacks = cache.stacks[c];
        if (!stacks.count()) shared_pool().take_warm(c, stacks, most_cached(c) / 2);
        if (stacks.has(top_class)) return stacks.pop(top_class);
    }
    return shared_pool().take(c, top_class);
}

} // namespace

void prepare_thread_cache() noexcept { prepare_cache(); }

void give_cached_back() noexcept {
    for (stack_class c = 0; c < cached_classes; ++c) shared_pool().give(c, cache.stacks[c], 0);
}

void count_freed(std::size_t bytes) noexcept { count_in_use(-static_cast<std::ptrdiff_t>(bytes)); }

void count_kept_slowly(std::ptrdiff_t bytes) noexcept { count_in_use(-bytes); }

bounds stackalloc_slowly(stack_class c, unsigned top_class) noexcept {
    if (c >= stack_classes) return {};
    const outward_call outward;
    const std::uintptr_t top = take_top(c, slot_top_class(c, top_class));
    if (!top) return {};
    count_in_use(static_cast<std::ptrdiff_t>(bytes_of(c)));
    // With the growth room: its place may have been another stack's memory, and have been forbidden as that.
    if (is_sanitized()) forget_frames({guard_below(c, top).lo, top});
    return place_in_slot(c, top, top_class);
}

void stackfree_slowly(std::uintptr_t top, stack_class c) noexcept {
    const outward_call outward;
    if (is_sanitized()) forget_frames(memory_of(c, top));
    if (is_poisoning() && !is_under_valgrind()) poison({top - bytes_of(c), top});
    if (is_sanitized()) forbid(memory_of(c, top));
    count_in_use(-static_cast<std::ptrdiff_t>(bytes_of(c)));
    if (!cache.is_ready || c >= cached_classes || is_told_of_stacks()) return shared_pool().give(c, top);
    if (cache.stacks[c].count() >= most_cached(c)) shared_pool().give(c, cache.stacks[c], most_cached(c) / 2);
    cache.stacks[c].push(top);
}

std::size_t stackalloc_bytes(std::size_t bytes, stack_layout layout) noexcept {
    const stack_class c = class_of(bytes, layout);
    return c < stack_classes ? bytes_of(c) : SIZE_MAX;
}

std::size_t stackalloc_bytes_to_move(std::size_t bytes, stack_layout layout, bounds from) noexcept {
    const stack_class c = class_of(bytes, layout);
    return c < stack_classes ? place_in_slot(c, slot_top(c, from.hi), class_of_top(from.hi)).bytes() : SIZE_MAX;
}

bounds stackalloc(std::size_t bytes, stack_layout layout) noexcept { return stackalloc_class(class_of(bytes, layout)); }

bounds stackalloc_to_move(std::size_t bytes, stack_layout layout, bounds from) noexcept {
    const stack_class c = class_of(bytes, layout);
    const unsigned top_class = class_of_top(from.hi), slots = slot_top_class(c, top_class);
    if (c >= cached_classes || !cache.stacks[c].has(slots)) return stackalloc_slowly(c, top_class);
    cache.count(static_cast<std::ptrdiff_t>(bytes_of(c)));
    return place_in_slot(c, cache.stacks[c].pop(slots), top_class);
}

void stackfree(bounds memory, stack_layout layout) noexcept {
    const stack_class c = class_of(memory.bytes(), layout);
    stackfree_class(slot_top(c, memory.hi), c);
}

bounds guard_of(bounds memory, stack_layout layout) noexcept {
    const stack_class c = class_of(memory.bytes(), layout);
    return guard_below(c, slot_top(c, memory.hi));
}

} // namespace grow

memory_stats memory() noexcept {
    const grow::checks_off quiet; // holds locks that growth takes
    const std::size_t in_use = grow::registry.bytes_in_use();
    return {in_use, grow::shared_pool().cached_bytes(in_use)};
}

} // namespace growstack
