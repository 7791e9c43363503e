// The per-thread part of stackalloc: free stacks at hand, taken and given without a lock or a system call.
//
// Inline: linking and unlinking a chunk is one of each, and the hot split is made of nothing else.
#pragma once

#include <growstack/detail/config.hpp>
#include <growstack/grow/bounds.hpp>
#include <growstack/grow/stackalloc.hpp>

#include "stress.hpp"

#include <array>
#include <atomic>
#include <bit>

namespace growstack::grow {

inline constexpr unsigned smallest_order = 12;      // 4 KiB
inline constexpr unsigned largest_slab_order = 17;  // 128 KiB: above, no thread keeps it, and the pool only so much
inline constexpr unsigned largest_order = 44;

// Free stacks of one size that a thread keeps; when it has so many, half go to the pool.
inline constexpr std::size_t thread_cache_bytes = std::size_t{1} << 20;

constexpr std::size_t bytes_of(unsigned order) noexcept { return std::size_t{1} << order; }

constexpr unsigned order_of(std::size_t bytes) noexcept {
    const auto order = static_cast<unsigned>(std::bit_width(bytes - 1));
    return order < smallest_order ? smallest_order : order;
}

constexpr std::size_t most_cached(unsigned order) noexcept { return thread_cache_bytes / bytes_of(order); }

// A top's class is its place in 64 KiB, in pages. A stack moves only to a top of the same class, so that the distance is
// a multiple of 64 KiB (why: address_space.hpp). Tops of all classes are in use, so that the first frames of many
// coroutines do not share a few sets of the TLB: with one class, a round over 256 coroutines took 18 ns a switch, not 12.
inline constexpr unsigned top_classes = 16;
inline constexpr unsigned any_class = top_classes;

constexpr unsigned class_of_top(std::uintptr_t hi) noexcept {
    return static_cast<unsigned>(hi / detail::page_bytes % top_classes);
}

// Free stacks of one size: the one freed last, whose memory is the warmest, and a list for each class of tops.
class free_stacks {
public:
    std::size_t count() const noexcept { return count_; }

    bool has(unsigned top_class) const noexcept {
        if (top_class == any_class) return count_ != 0;
        return (filled_ >> top_class & 1) != 0 || (last_hi_ && class_of_top(last_hi_) == top_class);
    }

    void push(bounds memory) noexcept {
        if (last_hi_) put_on_list(last_hi_);
        last_hi_ = memory.hi;
        ++count_;
    }

    // Precondition: has(top_class).
    bounds pop(unsigned top_class, std::size_t bytes) noexcept {
        --count_;
        std::uintptr_t hi = last_hi_;
        if (hi && (top_class == any_class || class_of_top(hi) == top_class)) last_hi_ = 0;
        else hi = take_from_list(top_class == any_class ? static_cast<unsigned>(std::countr_zero(filled_)) : top_class);
        return {hi - bytes, hi};
    }

private:
    // In a free stack's top word: the page most likely to be in memory.
    struct link {
        link* next;
    };

    void put_on_list(std::uintptr_t hi) noexcept {
        const unsigned top_class = class_of_top(hi);
        link* s = reinterpret_cast<link*>(hi) - 1;
        s->next = first_[top_class];
        first_[top_class] = s;
        filled_ |= 1u << top_class;
    }

    std::uintptr_t take_from_list(unsigned top_class) noexcept {
        link* s = first_[top_class];
        first_[top_class] = s->next;
        if (!s->next) filled_ &= ~(1u << top_class);
        return reinterpret_cast<std::uintptr_t>(s + 1);
    }

    std::uintptr_t last_hi_ = 0; // 0: none
    std::size_t count_ = 0;
    unsigned filled_ = 0; // a bit for each class that has one on its list
    std::array<link*, top_classes> first_{};
};

struct thread_cache {
    std::array<free_stacks, largest_slab_order + 1> stacks;
    // Bytes this thread has taken less those it has given: negative where it frees what others took. Written by this
    // thread only, read by memory().
    std::atomic<std::ptrdiff_t> bytes_in_use{0};
    // Of these, bytes that dead coroutines keep for the next ones (block_cache.cpp): counted where they end and where they are
    // taken, so negative where others' are taken.
    std::atomic<std::ptrdiff_t> kept_bytes{0};
    thread_cache* next = nullptr;
    bool is_ready = false; // listed, and its contents go back when the thread ends
    bool has_ended = false;

    void count(std::ptrdiff_t bytes) noexcept {
        bytes_in_use.store(bytes_in_use.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
    }

    std::ptrdiff_t used_bytes() const noexcept {
        return bytes_in_use.load(std::memory_order_relaxed) - kept_bytes.load(std::memory_order_relaxed);
    }

    void count_kept(std::ptrdiff_t bytes) noexcept {
        kept_bytes.store(kept_bytes.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
    }
};

[[gnu::tls_model("initial-exec")]] extern constinit thread_local thread_cache cache;

/// Sets the calling thread's cache up. The first stack may be asked for in a signal handler, which cannot.
void prepare_thread_cache() noexcept;

/// Counts kept bytes for a thread without a cache: one that has resumed nothing, or whose thread-local objects are gone.
void count_kept_slowly(std::ptrdiff_t bytes) noexcept;

/// The ways past the cache. They keep the vector registers.
bounds stackalloc_slowly(unsigned order, unsigned top_class) noexcept;
void stackfree_slowly(bounds memory, unsigned order) noexcept;

inline bounds stackalloc_order(unsigned order, unsigned top_class = any_class) noexcept {
    if (order > largest_slab_order || !cache.stacks[order].has(top_class)) [[unlikely]]
        return stackalloc_slowly(order, top_class);
    cache.count(static_cast<std::ptrdiff_t>(bytes_of(order)));
    return cache.stacks[order].pop(top_class, bytes_of(order));
}

inline void stackfree_order(bounds memory, unsigned order) noexcept {
    const bool is_simple = order <= largest_slab_order && cache.is_ready && is_free_simple() &&
                           cache.stacks[order].count() < most_cached(order);
    if (!is_simple) [[unlikely]] return stackfree_slowly(memory, order);
    cache.count(-static_cast<std::ptrdiff_t>(bytes_of(order)));
    cache.stacks[order].push(memory);
}

} // namespace growstack::grow
