// The highest level: what one thread has at hand. No lock, no atomic read-modify-write.
//
//      class     current | ->->->        spare lists, each full | ->->->->->-> | ->->->->->->
//
// A thread that allocates and frees around the end of a list changes it over with a spare one, and asks the mcentral
// only after a whole list in one direction. One that gives lists and takes them back may keep twice as many each time,
// up to most_spare_bytes.
//
// Source of the lists: Bonwick and Adams, Magazines and Vmem, USENIX 2001.
#pragma once

#include "heap/span_heap.hpp"

namespace growstack::heap {

class mcache {
public:
    constexpr mcache() noexcept = default;

    /// Returns a slot of the class that is at hand; null: none is. This thread only, as all but count().
    void* pop(size_class c) noexcept {
        object_list& current = lists_[c].current;
        return current.empty() ? nullptr : current.pop();
    }

    /// Puts a slot on the current list. Returns false if that is full.
    bool push(void* p, size_class c) noexcept {
        class_lists& lists = lists_[c];
        if (lists.current.count() >= lists.length) return false;
        lists.current.push(p);
        return true;
    }

    /// Returns a slot of the class, from the centre if need be; null: no memory.
    void* allocate(size_class c, span_heap& heap) noexcept {
        void* p = pop(c);
        return p ? p : refill(c, heap);
    }

    void free(void* p, size_class c, span_heap& heap) noexcept {
        if (push(p, c)) return;
        make_place(c, heap);
        lists_[c].current.push(p);
    }

    /// Makes place for lists. Before, the cache takes nothing.
    void start() noexcept;

    /// Gives everything to the heap's centre.
    void flush(span_heap& heap) noexcept;

    /// Flushes, and takes nothing from now on.
    void stop(span_heap& heap) noexcept;

    /// Returns how many slots of a class are at hand. Any thread.
    std::size_t count(size_class c) const noexcept {
        return lists_[c].current.count() +
               lists_[c].spares.load(std::memory_order_relaxed) * std::size_t{list_length(c)};
    }

private:
    void* refill(size_class c, span_heap& heap) noexcept;
    void make_place(size_class c, span_heap& heap) noexcept;

    /// Of all classes together.
    static constexpr std::size_t most_spare_bytes = std::size_t{32} << 20;

    struct class_lists {
        object_list current;
        free_object* first_spare = nullptr;
        std::uint16_t length = 0;             // at which a list is full
        std::atomic<std::uint16_t> spares{0}; // full lists, read by other threads
        std::uint16_t most_spares = 1;
        bool has_given = false; // a list, since it last took one
    };
    static_assert(sizeof(class_lists) == 32);

    bool has_place(const class_lists& lists, size_class c) const noexcept;
    void push_spare(class_lists& lists, size_class c) noexcept;
    void pop_spare(class_lists& lists, size_class c) noexcept;

    std::array<class_lists, class_count> lists_{};
    std::size_t spare_bytes_ = 0;
};

} // namespace growstack::heap
