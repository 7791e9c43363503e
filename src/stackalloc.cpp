// stackalloc and stackfree. Compiled for general registers only; what leaves this file saves the vectors first.
#include "outward_call.hpp"
#include "stack_cache.hpp"

#include <growstack/detail/config.hpp>
#include <growstack/detail/x86_64.hpp>
#include <growstack/grow/sanitizer.hpp>
#include <growstack/stats.hpp>

#include <sys/mman.h>

#include <cstring>
#include <mutex>

namespace growstack {
namespace grow {

constinit thread_local thread_cache cache;

namespace {

using detail::page_bytes;

constexpr std::size_t slab_bytes = std::size_t{1} << 20;

// Free stacks with a mapping of their own that the pool keeps; above it they go back to the system.
constexpr std::size_t pool_large_bytes = std::size_t{64} << 20;

constexpr int poison_byte = 0xfc; // Go's stackPoisonCopy

// Guard regions that cost no mapping: Linux 6.13. Not yet in glibc's headers.
constexpr int madv_guard_install = 102;

bool install_guard(std::uintptr_t lo) noexcept {
    void* page = reinterpret_cast<void*>(lo);
    static std::atomic<bool> has_guard_regions{true};
    if (has_guard_regions.load(std::memory_order_relaxed)) {
        if (::madvise(page, page_bytes, madv_guard_install) == 0) return true;
        has_guard_regions.store(false, std::memory_order_relaxed);
    }
    return ::mprotect(page, page_bytes, PROT_NONE) == 0;
}

std::uintptr_t map(std::size_t bytes) noexcept {
    void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? 0 : reinterpret_cast<std::uintptr_t>(p);
}

void unmap(std::uintptr_t lo, std::size_t bytes) noexcept {
    ::munmap(reinterpret_cast<void*>(lo), bytes);
}

// What all threads share.
class stack_pool {
public:
    bounds take(unsigned order) noexcept {
        const std::lock_guard lock{mutex_};
        free_list& list = lists_[order];
        if (!list.first) return order <= largest_slab_order ? cut_slab(order) : map_one(order);
        if (order > largest_slab_order) large_bytes_ -= bytes_of(order);
        return list.pop(bytes_of(order));
    }

    void give(bounds memory, unsigned order) noexcept {
        const std::lock_guard lock{mutex_};
        if (order > largest_slab_order) {
            if (large_bytes_ + memory.bytes() > pool_large_bytes) {
                unmap(memory.lo - page_bytes, memory.bytes() + page_bytes);
                mapped_bytes_ -= memory.bytes();
                return;
            }
            large_bytes_ += memory.bytes();
        }
        lists_[order].push(memory);
    }

    std::size_t mapped_bytes() noexcept {
        const std::lock_guard lock{mutex_};
        return mapped_bytes_;
    }

private:
    bounds map_one(unsigned order) noexcept {
        const std::size_t bytes = bytes_of(order);
        const std::uintptr_t lo = map(bytes + page_bytes);
        if (!lo) return {};
        if (!install_guard(lo)) {
            unmap(lo, bytes + page_bytes);
            return {};
        }
        mapped_bytes_ += bytes;
        return {lo + page_bytes, lo + page_bytes + bytes};
    }

    // Cuts a slab into stacks, all on the list but the one returned.
    bounds cut_slab(unsigned order) noexcept {
        const std::size_t slot_bytes = bytes_of(order) + page_bytes;
        const std::size_t slots = slab_bytes / slot_bytes;
        const std::uintptr_t lo = map(slots * slot_bytes);
        if (!lo) return {};
        for (std::size_t i = slots; i-- > 0;) {
            const std::uintptr_t slot = lo + i * slot_bytes;
            if (!install_guard(slot)) { // out of mappings: keep what has a guard
                unmap(lo, (i + 1) * slot_bytes);
                break;
            }
            mapped_bytes_ += bytes_of(order);
            lists_[order].push({slot + page_bytes, slot + slot_bytes});
        }
        return lists_[order].first ? lists_[order].pop(bytes_of(order)) : bounds{};
    }

    std::mutex mutex_;
    std::array<free_list, largest_order + 1> lists_;
    std::size_t large_bytes_ = 0;  // free, with a mapping of their own
    std::size_t mapped_bytes_ = 0; // all stacks, free or not
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
        ended_bytes_in_use_ += c.bytes_in_use.exchange(0);
    }

    // For a thread that frees a stack after its thread-local objects are gone.
    void count_after_end(std::ptrdiff_t bytes) noexcept {
        const std::lock_guard lock{mutex_};
        ended_bytes_in_use_ += bytes;
    }

    std::size_t bytes_in_use() noexcept {
        const std::lock_guard lock{mutex_};
        std::ptrdiff_t sum = ended_bytes_in_use_;
        for (const thread_cache* c = first_; c; c = c->next) sum += c->bytes_in_use.load(std::memory_order_relaxed);
        return sum < 0 ? 0 : static_cast<std::size_t>(sum);
    }

private:
    std::mutex mutex_;
    thread_cache* first_ = nullptr;
    std::ptrdiff_t ended_bytes_in_use_ = 0;
};

constinit cache_registry registry;

void give_back(unsigned order, std::size_t keep) noexcept {
    while (cache.lists[order].count > keep) pool.give(cache.lists[order].pop(bytes_of(order)), order);
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

bool is_cached_order(unsigned order) noexcept { return order <= largest_slab_order; }

void count_in_use(bool may_use_cache, std::ptrdiff_t bytes) noexcept {
    if (may_use_cache) cache.count(bytes);
    else registry.count_after_end(bytes);
}

void poison(bounds memory) noexcept {
    std::memset(reinterpret_cast<void*>(memory.lo), poison_byte, memory.bytes());
}

} // namespace

bounds stackalloc_slowly(unsigned order) noexcept {
    if (order > largest_order) return {};
    const outward_call outward;
    const bool may_use_cache = prepare_cache();
    const bounds memory = pool.take(order);
    count_in_use(may_use_cache, static_cast<std::ptrdiff_t>(memory.bytes()));
    return memory;
}

void stackfree_slowly(bounds memory, unsigned order) noexcept {
    const outward_call outward;
    forget_frames(memory);
    if (is_poisoning()) poison(memory);
    const bool may_use_cache = prepare_cache();
    count_in_use(may_use_cache, -static_cast<std::ptrdiff_t>(memory.bytes()));
    if (!may_use_cache || !is_cached_order(order)) return pool.give(memory, order);
    if (cache.lists[order].count >= most_cached(order)) give_back(order, most_cached(order) / 2);
    cache.lists[order].push(memory);
}

std::size_t stackalloc_bytes(std::size_t bytes) noexcept { return bytes_of(order_of(bytes)); }

bounds stackalloc(std::size_t bytes) noexcept { return stackalloc_order(order_of(bytes)); }

void stackfree(bounds memory) noexcept { stackfree_order(memory, order_of(memory.bytes())); }

} // namespace grow

memory_stats memory() noexcept {
    const std::size_t in_use = grow::registry.bytes_in_use();
    const std::size_t mapped = grow::pool.mapped_bytes();
    return {in_use, mapped > in_use ? mapped - in_use : 0};
}

} // namespace growstack
