// A span: a run of pages, free in the mheap, or in use as slots of one class or as one large object.
//
//     lo                                                                  lo + pages * page_bytes
//     | slot | slot | slot | slot | slot | never used yet ... | left over |
//                                        carved
//
// In use as slots:  used + free_slots() == capacity. Used counts what has left the span: to the program, or to the
// lists of an mcentral or an mcache.
#pragma once

#include <growstack/heap/size_class.hpp>
#include "heap/object_list.hpp"

#include <boost/intrusive/list_hook.hpp>
#include <boost/intrusive/set_hook.hpp>

namespace growstack::heap {

/// Slots of the span that has the most of them.
inline constexpr std::size_t most_slots = [] {
    std::size_t most = 0;
    for (size_class c = 0; c < class_count; ++c)
        if (capacity_of(c, span_pages(c)) > most) most = capacity_of(c, span_pages(c));
    return most;
}();

enum class span_state : unsigned char {
    idle,     // free, with memory
    returned, // free, its memory given back to the system
    slots,    // in use by an mcentral
    large,    // in use as one object
};

using tree_hook = boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>>;
using list_hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>>;

struct mspan : tree_hook, list_hook {
    std::uintptr_t lo = 0;
    std::size_t pages = 0;
    span_state state = span_state::idle;

    // In use as slots.
    size_class slot_class = 0;
    std::uint32_t capacity = 0;
    std::uint32_t carved = 0; // slots that have been handed out once
    std::uint32_t used = 0;
    object_list freed;
    // For an owner that places slots itself, and links none through slots that have no memory.
    std::uint64_t untouched = 0;                 // a bit for each slot without memory
    std::uint32_t slot_offset = 0;               // bytes before the first slot
    std::atomic<std::uint64_t>* taken = nullptr; // checked builds: a bit for each slot that the program has

    std::uintptr_t hi() const noexcept { return lo + pages * page_bytes; }
    std::size_t bytes() const noexcept { return pages * page_bytes; }
    bool is_free() const noexcept { return state == span_state::idle || state == span_state::returned; }

    /// Returns which slot an address in the span lies in.
    std::size_t slot_index(std::uintptr_t address) const noexcept {
        return (address - lo - first_slot_offset(slot_class)) / slot_bytes(slot_class);
    }

    std::uint32_t free_slots() const noexcept { return freed.count() + (capacity - carved); }

    void begin_slots(size_class c) noexcept {
        slot_class = c;
        capacity = static_cast<std::uint32_t>(capacity_of(c, pages));
        carved = used = 0;
        freed = {};
    }

    /// Precondition: free_slots() != 0.
    void* take_slot() noexcept {
        ++used;
        if (!freed.empty()) return freed.pop();
        return reinterpret_cast<void*>(lo + first_slot_offset(slot_class) + carved++ * slot_bytes(slot_class));
    }

    void give_slot(void* p) noexcept {
        --used;
        freed.push(p);
    }
};

} // namespace growstack::heap
