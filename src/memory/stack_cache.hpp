// The per-thread part of stackalloc: free stacks at hand, taken and given without a lock or a system call.
//
// Inline: linking and unlinking a chunk is one of each, and the hot split is made of nothing else.
#pragma once

#include "base/modes.hpp"
#include "memory/stack_class.hpp"

#include <array>
#include <atomic>
#include <bit>

namespace growstack::grow {

// Free stacks of one class that a thread keeps. When it has so many, half go to the pool; when it has none, as many
// come from there, so that no sequence of frees and allocations makes each of them ask the pool.
inline constexpr std::size_t thread_cache_bytes = std::size_t{1} << 20;
inline constexpr std::size_t most_cached_stacks = 256;

constexpr std::size_t most_cached(stack_class c) noexcept {
    return std::min(thread_cache_bytes / bytes_of(c), most_cached_stacks);
}

// Free stacks of one class, by their slots' tops: the one freed last, whose memory is the warmest, and a list for each
// class of tops.
class free_stacks {
public:
    std::size_t count() const noexcept { return count_; }

    bool has(unsigned top_class) const noexcept {
        if (top_class == any_class) return count_ != 0;
        return (filled_ >> top_class & 1) != 0 || (last_ && class_of_top(last_) == top_class);
    }

    void push(std::uintptr_t top) noexcept {
        if (last_) put_on_list(last_);
        last_ = top;
        ++count_;
    }

    // Precondition: has(top_class).
    std::uintptr_t pop(unsigned top_class) noexcept {
        --count_;
        const std::uintptr_t top = last_;
        if (!top || (top_class != any_class && class_of_top(top) != top_class))
            return take_from_list(top_class == any_class ? static_cast<unsigned>(std::countr_zero(filled_))
                                                         : top_class);
        last_ = 0;
        return top;
    }

private:
    // In a free stack's top word: the page most likely to be in memory.
    struct link {
        link* next;
    };

    void put_on_list(std::uintptr_t top) noexcept {
        const unsigned top_class = class_of_top(top);
        link* s = reinterpret_cast<link*>(top) - 1;
        s->next = first_[top_class];
        first_[top_class] = s;
        filled_ |= std::uint64_t{1} << top_class;
    }

    std::uintptr_t take_from_list(unsigned top_class) noexcept {
        link* s = first_[top_class];
        first_[top_class] = s->next;
        if (!s->next) filled_ &= ~(std::uint64_t{1} << top_class);
        return reinterpret_cast<std::uintptr_t>(s + 1);
    }

    std::uintptr_t last_ = 0; // 0: none
    std::size_t count_ = 0;
    std::uint64_t filled_ = 0; // a bit for each class that has one on its list
    std::array<link*, top_classes> first_{};
};

struct thread_cache {
    std::array<free_stacks, cached_classes> stacks;
    // Bytes this thread has taken less those it has given: negative where it frees what others took. Written by this
    // thread only, read by memory().
    std::atomic<std::ptrdiff_t> bytes_in_use{0};
    // Of these, bytes that dead coroutines keep for the next ones (block_cache.cpp): counted where they end and where
    // they are taken, so negative where others' are taken.
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

/// Counts so many bytes as in use no more, though their slot is not free yet.
void count_freed(std::size_t bytes) noexcept;

/// Gives the free stacks that the calling thread has to the pool.
void give_cached_back() noexcept;

/// Counts kept bytes for a thread without a cache: one that has resumed nothing, or whose thread-local objects are
/// gone.
void count_kept_slowly(std::ptrdiff_t bytes) noexcept;

/// The ways past the cache. They keep the vector registers.
bounds stackalloc_slowly(stack_class c, unsigned top_class) noexcept;
void stackfree_slowly(std::uintptr_t top, stack_class c) noexcept;

inline bounds stackalloc_class(stack_class c) noexcept {
    if (c >= cached_classes || !cache.stacks[c].count()) [[unlikely]]
        return stackalloc_slowly(c, any_class);
    cache.count(static_cast<std::ptrdiff_t>(bytes_of(c)));
    return place_in_slot(c, cache.stacks[c].pop(any_class), any_class);
}

/// `top` is the slot's.
inline void stackfree_class(std::uintptr_t top, stack_class c) noexcept {
    const bool is_simple = c < cached_classes && cache.is_ready && is_free_simple() &&
                           cache.stacks[c].count() < most_cached(c);
    if (!is_simple) [[unlikely]]
        return stackfree_slowly(top, c);
    cache.count(-static_cast<std::ptrdiff_t>(bytes_of(c)));
    cache.stacks[c].push(top);
}

} // namespace growstack::grow
