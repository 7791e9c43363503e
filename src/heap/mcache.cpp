// A thread's lists, when one is at its end.
#include "heap/mcache.hpp"

namespace growstack::heap {
namespace {

std::size_t list_bytes(size_class c) noexcept { return list_length(c) * slot_bytes(c); }

// A slot of 8 bytes has no place for the link to the next list.
constexpr std::uint16_t most_spares_of(size_class c) noexcept { return slot_bytes(c) < sizeof(first_object) ? 1 : 256; }

} // namespace

void* mcache::refill(size_class c, span_heap& heap) noexcept {
    class_lists& lists = lists_[c];
    if (lists.spares) {
        pop_spare(lists, c);
    } else {
        if (lists.has_given) lists.most_spares = std::min<std::uint16_t>(lists.most_spares * 2, most_spares_of(c));
        lists.has_given = false;
        heap.central[c].take(lists.current, c, heap.pages);
    }
    return pop(c);
}

void mcache::make_place(size_class c, span_heap& heap) noexcept {
    class_lists& lists = lists_[c];
    if (has_place(lists, c)) return push_spare(lists, c);
    lists.has_given = true;
    heap.central[c].give(std::move(lists.current), c, heap.pages);
}

bool mcache::has_place(const class_lists& lists, size_class c) const noexcept {
    return lists.current.count() == list_length(c) &&
           (!lists.spares || (lists.spares < lists.most_spares && spare_bytes_ + list_bytes(c) <= most_spare_bytes));
}

GROWSTACK_HEAP_LINKS void mcache::push_spare(class_lists& lists, size_class c) noexcept {
    free_object* const first = lists.current.release();
    if (lists.spares) static_cast<first_object*>(first)->next_list = static_cast<first_object*>(lists.first_spare);
    lists.first_spare = first;
    lists.spares.store(lists.spares + 1, std::memory_order_relaxed);
    spare_bytes_ += list_bytes(c);
}

GROWSTACK_HEAP_LINKS void mcache::pop_spare(class_lists& lists, size_class c) noexcept {
    free_object* const first = lists.first_spare;
    lists.spares.store(lists.spares - 1, std::memory_order_relaxed);
    if (lists.spares) lists.first_spare = static_cast<first_object*>(first)->next_list;
    lists.current.adopt(first, list_length(c));
    spare_bytes_ -= list_bytes(c);
}

void mcache::start() noexcept {
    for (size_class c = 0; c < class_count; ++c) lists_[c].length = static_cast<std::uint16_t>(list_length(c));
}

void mcache::stop(span_heap& heap) noexcept {
    flush(heap);
    for (class_lists& lists : lists_) lists.length = 0;
}

void mcache::flush(span_heap& heap) noexcept {
    for (size_class c = 0; c < class_count; ++c) {
        class_lists& lists = lists_[c];
        if (!lists.current.empty()) heap.central[c].give(std::move(lists.current), c, heap.pages);
        for (; lists.spares; heap.central[c].give(std::move(lists.current), c, heap.pages)) pop_spare(lists, c);
        lists.most_spares = 1;
    }
}

} // namespace growstack::heap
