// The per-thread part of stackalloc: free stacks at hand, taken and given without a lock or a system call.
//
// Inline: linking and unlinking a chunk is one of each, and the hot split is made of nothing else.
#pragma once

#include <growstack/grow/bounds.hpp>
#include <growstack/grow/stackalloc.hpp>

#include "stress.hpp"

#include <array>
#include <atomic>
#include <bit>

namespace growstack::grow {

inline constexpr unsigned smallest_order = 12;      // 4 KiB
inline constexpr unsigned largest_slab_order = 17;  // 128 KiB: above, a mapping of its own, and no thread keeps it
inline constexpr unsigned largest_order = 44;

// Free stacks of one size that a thread keeps; when it has so many, half go to the pool.
inline constexpr std::size_t thread_cache_bytes = std::size_t{1} << 20;

constexpr std::size_t bytes_of(unsigned order) noexcept { return std::size_t{1} << order; }

constexpr unsigned order_of(std::size_t bytes) noexcept {
    const auto order = static_cast<unsigned>(std::bit_width(bytes - 1));
    return order < smallest_order ? smallest_order : order;
}

constexpr std::size_t most_cached(unsigned order) noexcept { return thread_cache_bytes / bytes_of(order); }

// A free stack's top word links to the next: the page most likely to be in memory.
struct free_stack {
    free_stack* next;
};

struct free_list {
    free_stack* first = nullptr;
    std::size_t count = 0;

    void push(bounds memory) noexcept {
        auto* s = reinterpret_cast<free_stack*>(memory.hi) - 1;
        s->next = first;
        first = s;
        ++count;
    }

    bounds pop(std::size_t bytes) noexcept {
        free_stack* s = first;
        first = s->next;
        --count;
        const auto hi = reinterpret_cast<std::uintptr_t>(s + 1);
        return {hi - bytes, hi};
    }
};

struct thread_cache {
    std::array<free_list, largest_slab_order + 1> lists;
    // Bytes this thread has taken less those it has given: negative where it frees what others took. Written by this
    // thread only, read by memory().
    std::atomic<std::ptrdiff_t> bytes_in_use{0};
    thread_cache* next = nullptr;
    bool is_ready = false; // listed, and its contents go back when the thread ends
    bool has_ended = false;

    void count(std::ptrdiff_t bytes) noexcept {
        bytes_in_use.store(bytes_in_use.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
    }
};

[[gnu::tls_model("initial-exec")]] extern constinit thread_local thread_cache cache;

/// The ways past the cache. They keep the vector registers.
bounds stackalloc_slowly(unsigned order) noexcept;
void stackfree_slowly(bounds memory, unsigned order) noexcept;

inline bounds stackalloc_order(unsigned order) noexcept {
    if (order > largest_slab_order || !cache.lists[order].first) [[unlikely]] return stackalloc_slowly(order);
    cache.count(static_cast<std::ptrdiff_t>(bytes_of(order)));
    return cache.lists[order].pop(bytes_of(order));
}

inline void stackfree_order(bounds memory, unsigned order) noexcept {
    const bool is_simple = order <= largest_slab_order && cache.is_ready && is_free_simple() &&
                           cache.lists[order].count < most_cached(order);
    if (!is_simple) [[unlikely]] return stackfree_slowly(memory, order);
    cache.count(-static_cast<std::ptrdiff_t>(bytes_of(order)));
    cache.lists[order].push(memory);
}

} // namespace growstack::grow
