// The middle level: all slots of one size class that no thread has.
//
// Threads take and give whole lists of list_length(c) slots. Full lists wait here as they came, so that memory which
// one thread frees and another allocates passes through without being looked at; beyond most_stocked(c) their slots go
// home to their spans, and spans that are free as a whole to the mheap.
#pragma once

#include "heap/mheap.hpp"

#include <boost/intrusive/list.hpp>

#include <algorithm>

namespace growstack::heap {

/// Slots in a list that changes hands.
inline constexpr auto list_lengths = [] {
    std::array<std::uint16_t, class_count> lengths{};
    for (size_class c = 0; c < class_count; ++c)
        lengths[c] = static_cast<std::uint16_t>(
            std::clamp<std::size_t>((std::size_t{64} << 10) / slot_bytes(c), 8, 256));
    return lengths;
}();

constexpr std::uint32_t list_length(size_class c) noexcept { return list_lengths[c]; }

/// Full lists that wait in an mcentral: 16 MiB of slots, or so many.
inline constexpr std::uint32_t most_lists = 32;
constexpr std::uint32_t most_stocked(size_class c) noexcept {
    const std::size_t lists = (std::size_t{16} << 20) / (list_length(c) * slot_bytes(c));
    return static_cast<std::uint32_t>(std::min<std::size_t>(lists, most_lists));
}

class mcentral {
public:
    /// Fills an empty list: with list_length(c) slots, fewer if memory runs out. Thread-safe.
    void take(object_list& list, size_class c, mheap& pages) noexcept;

    /// Takes a list, full or not. Thread-safe.
    void give(object_list&& list, size_class c, mheap& pages) noexcept;

    /// Sends every waiting slot home.
    void flush(mheap& pages) noexcept;

    /// Slots that have left their spans and do not wait here: the program's, and those in mcaches.
    std::size_t slots_out() const noexcept;

    /// Returns the bytes of all spans of the class.
    std::size_t span_bytes(size_class c) const noexcept;

    void check_invariants(size_class c) const noexcept;

private:
    using span_list = boost::intrusive::list<mspan, boost::intrusive::base_hook<list_hook>,
                                             boost::intrusive::constant_time_size<false>>;

    mspan* span_with_free_slots(size_class c, mheap& pages) noexcept;
    object_list take_stocked() noexcept; // precondition: there is one
    void give_home(object_list& list, mheap& pages) noexcept;

    mutable std::mutex mutex_;
    span_list partial_; // some slots are free
    span_list full_;    // none is
    std::array<object_list, most_lists> stock_;
    std::uint32_t stocked_ = 0;
    std::size_t spans_ = 0;
    std::size_t taken_ = 0;   // slots that have left their spans
    std::size_t waiting_ = 0; // of those, the ones in stock_
};

} // namespace growstack::heap
