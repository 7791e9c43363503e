// The highest level: what one thread has at hand. No lock, no atomic read-modify-write.
//
// Two lists for each class, `current` and `spare`; spare is full or empty. A thread that allocates and frees around the end
// of a list changes the two over, and asks the mcentral only after a whole list in one direction.
//
// Source of the two lists: Bonwick and Adams, Magazines and Vmem, USENIX 2001.
#pragma once

#include <growstack/heap/span_heap.hpp>

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
        auto& [current, spare, length] = lists_[c];
        if (current.count() >= length) return false;
        current.push(p);
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
    std::size_t count(size_class c) const noexcept { return lists_[c].current.count() + lists_[c].spare.count(); }

private:
    void* refill(size_class c, span_heap& heap) noexcept;
    void make_place(size_class c, span_heap& heap) noexcept;

    struct list_pair {
        object_list current, spare;
        std::uint32_t length = 0; // at which a list is full
    };
    std::array<list_pair, class_count> lists_{};
};

} // namespace growstack::heap
