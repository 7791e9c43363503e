// The pool: spans of slots for stacks, and the free stacks in them, which all threads share. One lock.
//
//      span, of one class      | slot | slot | slot | slot | slot | ...
//                                used   warm   used   untouched
//
// A free slot is warm, and linked through its highest words, or untouched, and a bit in its span's record: a link would
// need a page.
#pragma once

#include "heap/mheap.hpp"
#include "memory/stack_cache.hpp"

#include <boost/intrusive/list.hpp>

#include <array>
#include <mutex>

namespace growstack::grow {

// Free stacks of one class that have memory, a list for each class of high ends. Any of them may be taken out: its span
// may go.
class warm_stacks {
public:
    bool has(unsigned hi_class) const noexcept {
        return hi_class == any_class ? filled_ != 0 : (filled_ >> hi_class & 1) != 0;
    }

    void push(std::uintptr_t slot_hi) noexcept {
        node* const n = reinterpret_cast<node*>(slot_hi) - 1;
        node*& first = first_[class_of_hi(slot_hi)];
        *n = {first, nullptr};
        if (first) first->previous = n;
        first = n;
        filled_ |= std::uint64_t{1} << class_of_hi(slot_hi);
    }

    // Precondition: has(hi_class).
    std::uintptr_t pop(unsigned hi_class) noexcept {
        const node* const n =
            first_[hi_class == any_class ? static_cast<unsigned>(std::countr_zero(filled_)) : hi_class];
        const auto slot_hi = reinterpret_cast<std::uintptr_t>(n + 1);
        remove(slot_hi);
        return slot_hi;
    }

    void remove(std::uintptr_t slot_hi) noexcept {
        const node* const n = reinterpret_cast<node*>(slot_hi) - 1;
        node*& first = first_[class_of_hi(slot_hi)];
        (n->previous ? n->previous->next : first) = n->next;
        if (n->next) n->next->previous = n->previous;
        if (!first) filled_ &= ~(std::uint64_t{1} << class_of_hi(slot_hi));
    }

private:
    struct node {
        node* next;
        node* previous;
    };

    std::uint64_t filled_ = 0; // a bit for each class that has one
    std::array<node*, hi_classes> first_{};
};

// Spans are multiples of 64 KiB, so an mheap's page stands for 16 pages here: its page map would otherwise have 17
// entries, 136 bytes, for the smallest guarded stack.
inline constexpr unsigned scale_shift = 4;
static_assert(heap::page_bytes << scale_shift == hi_alignment);

class stack_pool {
public:
    stack_pool() noexcept;

    /// Returns the high end, of that class, of a free slot; 0: no memory, or no mapping for a guard. Thread-safe, as
    /// all.
    std::uintptr_t take(stack_class c, unsigned hi_class) noexcept;

    /// Moves up to `count` slots that have memory to `to`.
    void take_warm(stack_class c, free_stacks& to, std::size_t count) noexcept;

    void give(stack_class c, std::uintptr_t slot_hi) noexcept;

    /// Takes all but `keep` slots of `from`.
    void give(stack_class c, free_stacks& from, std::size_t keep) noexcept;

    /// Bytes of free stacks with memory, in the pool or with a thread, if `in_use` is what the program uses.
    std::size_t cached_bytes(std::size_t in_use) noexcept;

    /// Gives the memory of free stacks back to the system, but for those that share pages with stacks in use.
    void trim() noexcept;

    /// Calls visit(c, slot_hi) for every slot of stacks that may move or be trimmed and that is not known to be free.
    /// Holds the lock.
    template <class Visit>
    void for_each_used_slot(Visit visit) noexcept {
        const std::lock_guard lock{mutex_};
        for (stack_class c = 0; c < pooled_classes; ++c)
            for (const span_list* spans : {&some_untouched_[c], &all_touched_[c]})
                for (const heap::mspan& span : *spans)
                    for (unsigned i = 0; i < span.capacity; ++i)
                        if (!(span.untouched >> i & 1)) visit(c, hi_of(span, i));
    }

    /// Says if all of [lo, hi) is address space for stacks, in use or not.
    bool owns(std::uintptr_t lo, std::uintptr_t hi) const noexcept;

    struct slot {
        stack_class size_class = 0;
        std::uintptr_t hi = 0; // 0: none
    };
    /// Returns the slot that the address lies in, unless it is known to be free.
    slot slot_at(std::uintptr_t address) noexcept;

private:
    friend struct pool_offsets;

    using span_list = boost::intrusive::list<heap::mspan, boost::intrusive::base_hook<heap::list_hook>,
                                             boost::intrusive::constant_time_size<false>>;

    static std::uintptr_t hi_of(const heap::mspan& span, unsigned slot) noexcept;
    static unsigned slot_of(const heap::mspan& span, std::uintptr_t slot_hi) noexcept;
    static std::uint64_t slots_with(const heap::mspan& span, unsigned hi_class) noexcept;

    heap::mheap& pages_of(stack_class c) noexcept { return c < near_classes ? near_ : far_; }
    span_list& list_of(heap::mspan& span) noexcept {
        return (span.untouched ? some_untouched_ : all_touched_)[span.slot_class];
    }

    std::size_t& warm_bytes(stack_class c) noexcept {
        return c < cached_classes ? small_warm_bytes_ : large_warm_bytes_;
    }

    std::uintptr_t take_locked(stack_class c, unsigned hi_class) noexcept;
    std::uintptr_t take_untouched(stack_class c, unsigned hi_class) noexcept;
    void give_locked(stack_class c, std::uintptr_t slot_hi) noexcept;
    heap::mspan* span_with_untouched(stack_class c, unsigned hi_class) noexcept;
    heap::mspan* new_span(stack_class c, unsigned hi_class) noexcept;
    bool install_guards_to(heap::mspan& span, unsigned slot) noexcept;
    void set_untouched(heap::mspan& span, std::uint64_t slots) noexcept;
    void forget_memory(heap::mspan& span, std::uintptr_t slot_hi) noexcept;
    bool release(heap::mspan& span) noexcept;
    void release_unused_spans() noexcept;

    std::mutex mutex_;
    heap::mheap near_, far_;
    std::array<warm_stacks, pooled_classes> warm_;
    std::array<span_list, pooled_classes> some_untouched_, all_touched_; // every span is on one of them
    std::size_t small_warm_bytes_ = 0, large_warm_bytes_ = 0;
    std::size_t taken_bytes_ = 0; // by threads: in use, or in their caches
};

/// The process's. Never destroyed.
stack_pool& shared_pool() noexcept;

extern std::byte shared_pool_memory[sizeof(stack_pool)]; // where it lies: for debuggers

} // namespace growstack::grow
