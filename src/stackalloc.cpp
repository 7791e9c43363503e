// stackalloc and stackfree. Compiled for general registers only; what leaves this file saves the vectors first.
#include "address_space.hpp"
#include "guard.hpp"
#include "outward_call.hpp"
#include "stack_cache.hpp"

#include <growstack/detail/config.hpp>
#include <growstack/detail/x86_64.hpp>
#include <growstack/grow/sanitizer.hpp>
#include <growstack/grow/thread.hpp>
#include <growstack/stats.hpp>

#include <sys/mman.h>

#include <cstring>
#include <mutex>

namespace growstack {
namespace grow {

constinit thread_local thread_cache cache;

namespace {

using detail::guarded_bytes;
using detail::page_bytes;

// Above so much in large free stacks the pool keeps no more of their memory, only address space.
constexpr std::size_t most_pooled_bytes = std::size_t{128} << 20;

// Above, not even that: a few stacks of some TiB would leave no place for the others.
constexpr unsigned largest_pooled_order = 30;

constexpr int poison_byte = 0xfc; // Go's stackPoisonCopy

// Gives the memory back and keeps the address space. Guards stay.
void decommit(bounds memory) noexcept {
    ::madvise(reinterpret_cast<void*>(memory.lo), memory.bytes(), MADV_DONTNEED);
}

bool is_cached_order(unsigned order) noexcept { return order <= largest_slab_order; }

using detail::slack_bytes;
static_assert(slack_bytes == top_alignment - page_bytes);
static_assert(bytes_of(largest_slab_order) == 0x20000 && top_alignment == 0x10000); // the assembly's, in jump_if_foreign

constexpr std::size_t round_to_top(std::size_t bytes) noexcept {
    return (bytes + top_alignment - 1) & ~(top_alignment - 1);
}

// Where a large stack would lie if its top were a multiple of 64 KiB.
bounds slot_of(bounds memory) noexcept {
    const std::uintptr_t hi = round_to_top(memory.hi);
    return {hi - memory.bytes(), hi};
}

// What all threads share.
class stack_pool {
public:
    bounds take(unsigned order, unsigned top_class) noexcept {
        if (is_cached_order(order)) return take_slot(order, top_class);
        const bounds slot = take_slot(order, any_class);
        return slot.hi ? place_in_slot(slot, top_class) : slot;
    }

    void give(bounds memory, unsigned order) noexcept {
        give_slot(is_cached_order(order) ? memory : slot_of(memory), order);
    }

    // Bytes of free stacks with memory, in the pool or with a thread, if `in_use` is what the program uses.
    std::size_t cached_bytes(std::size_t in_use) noexcept {
        const std::lock_guard lock{mutex_};
        const std::size_t with_threads = taken_bytes_ > in_use ? taken_bytes_ - in_use : 0;
        return cached_bytes_ + with_threads;
    }

private:
    // A large stack's slot has slack for a top of each class, so that one large stack serves them all: its memory is worth
    // more than the 60 KiB of address space.
    //
    //      guard, room | up to 60 KiB | stack | 60 KiB less |     slot.hi is a multiple of 64 KiB
    static bounds place_in_slot(bounds slot, unsigned top_class) noexcept {
        const std::size_t down = top_class == any_class || top_class == 0 ? 0 : top_alignment - top_class * page_bytes;
        return {slot.lo - down, slot.hi - down};
    }

    bounds take_slot(unsigned order, unsigned top_class) noexcept {
        const std::lock_guard lock{mutex_};
        if (!has(order, top_class)) cut(order);
        if (!has(order, top_class)) {
            unmap_free_stacks(); // of other sizes: the memory, or the mappings, may do
            cut(order);
        }
        if (!has(order, top_class)) return {};
        const bool is_warm = warm_[order].has(top_class);
        taken_bytes_ += bytes_of(order);
        if (is_warm) {
            cached_bytes_ -= bytes_of(order);
            if (!is_cached_order(order)) cached_large_bytes_ -= bytes_of(order);
        }
        return (is_warm ? warm_ : cold_)[order].pop(top_class, bytes_of(order));
    }

    void give_slot(bounds memory, unsigned order) noexcept {
        const std::lock_guard lock{mutex_};
        taken_bytes_ -= memory.bytes();
        if (order > largest_pooled_order) unmap(memory);
        else if (!is_cached_order(order) && cached_large_bytes_ + memory.bytes() > most_pooled_bytes) {
            decommit({memory.lo - slack_bytes, memory.hi});
            cold_[order].push(memory);
        } else {
            warm_[order].push(memory);
            cached_bytes_ += memory.bytes();
            if (!is_cached_order(order)) cached_large_bytes_ += memory.bytes();
        }
    }

    bool has(unsigned order, unsigned top_class) const noexcept {
        return warm_[order].has(top_class) || cold_[order].has(top_class);
    }

    void unmap_free_stacks() noexcept {
        for (unsigned order = smallest_order; order <= largest_order; ++order) {
            unmap_all(warm_[order], bytes_of(order));
            unmap_all(cold_[order], bytes_of(order));
        }
        cached_bytes_ = cached_large_bytes_ = 0;
    }

    static void unmap_all(free_stacks& stacks, std::size_t bytes) noexcept {
        while (stacks.count()) unmap(stacks.pop(any_class, bytes));
    }

    static void unmap(bounds memory) noexcept {
        const std::uintptr_t lo = guard_of(memory).lo;
        ::munmap(reinterpret_cast<void*>(lo), memory.hi - lo);
    }

    // Takes address space, and puts the stacks that get a guard on the list.
    void cut(unsigned order) noexcept {
        if (is_cached_order(order)) cut_slab(order);
        else cut_one(order);
    }

    void cut_one(unsigned order) noexcept {
        const std::size_t bytes = round_to_top(guarded_bytes + slack_bytes + bytes_of(order));
        const std::uintptr_t lo = take_address_space(bytes);
        if (lo) add(lo + bytes, order);
    }

    // One of each class: an odd number of pages from top to top visits them all.
    void cut_slab(unsigned order) noexcept {
        const std::size_t slot_pages = ((guarded_bytes + bytes_of(order)) / page_bytes) | 1;
        const std::uintptr_t lo = take_address_space(round_to_top(top_classes * slot_pages * page_bytes));
        if (!lo) return;
        for (std::size_t i = top_classes; i > 0; --i) add(lo + i * slot_pages * page_bytes, order);
    }

    void add(std::uintptr_t hi, unsigned order) noexcept {
        const bounds memory{hi - bytes_of(order), hi};
        if (install_guard(guard_of(memory))) cold_[order].push(memory);
    }

    std::mutex mutex_;
    std::array<free_stacks, largest_order + 1> warm_; // with memory
    std::array<free_stacks, largest_order + 1> cold_; // address space, with memory for the link at most
    std::size_t cached_bytes_ = 0;       // of warm ones
    std::size_t cached_large_bytes_ = 0; // those above largest_slab_order
    std::size_t taken_bytes_ = 0;  // by threads: in use, or in their caches
};

constinit stack_pool pool;

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

void give_back(unsigned order, std::size_t keep) noexcept {
    free_stacks& stacks = cache.stacks[order];
    while (stacks.count() > keep) pool.give(stacks.pop(any_class, bytes_of(order)), order);
}

struct thread_end {
    ~thread_end() {
        for (unsigned order = smallest_order; order <= largest_slab_order; ++order) give_back(order, 0);
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
        decommit({memory.lo, memory.hi - most_bytes});
        memory.lo = memory.hi - most_bytes;
    }
    std::memset(reinterpret_cast<void*>(memory.lo), poison_byte, memory.bytes());
}

} // namespace

void prepare_thread_cache() noexcept { prepare_cache(); }

void count_kept_slowly(std::ptrdiff_t bytes) noexcept { count_in_use(-bytes); }

bounds stackalloc_slowly(unsigned order, unsigned top_class) noexcept {
    if (order > largest_order) return {};
    const outward_call outward;
    const bounds memory = pool.take(order, top_class);
    count_in_use(static_cast<std::ptrdiff_t>(memory.bytes()));
    return memory;
}

void stackfree_slowly(bounds memory, unsigned order) noexcept {
    const outward_call outward;
    forget_frames(memory);
    if (is_poisoning()) poison(memory);
    count_in_use(-static_cast<std::ptrdiff_t>(memory.bytes()));
    if (!cache.is_ready || !is_cached_order(order)) return pool.give(memory, order);
    if (cache.stacks[order].count() >= most_cached(order)) give_back(order, most_cached(order) / 2);
    cache.stacks[order].push(memory);
}

std::size_t stackalloc_bytes(std::size_t bytes) noexcept { return bytes_of(order_of(bytes)); }

bounds stackalloc(std::size_t bytes) noexcept { return stackalloc_order(order_of(bytes)); }

bounds stackalloc_to_move(std::size_t bytes, bounds from) noexcept {
    return stackalloc_order(order_of(bytes), class_of_top(from.hi));
}

void stackfree(bounds memory) noexcept { stackfree_order(memory, order_of(memory.bytes())); }

bounds guard_of(bounds memory) noexcept {
    const std::uintptr_t hi = is_cached_order(order_of(memory.bytes())) ? memory.lo : slot_of(memory).lo - slack_bytes;
    return {hi - guarded_bytes, hi};
}

} // namespace grow

memory_stats memory() noexcept {
    const grow::checks_off quiet; // holds locks that growth takes
    const std::size_t in_use = grow::registry.bytes_in_use();
    return {in_use, grow::pool.cached_bytes(in_use)};
}

} // namespace growstack
