// A thread's lists, when one is at its end.
#include <growstack/heap/mcache.hpp>

namespace growstack::heap {

void* mcache::refill(size_class c, span_heap& heap) noexcept {
    auto& [current, spare, length] = lists_[c];
    if (!spare.empty()) current = std::move(spare);
    else heap.central[c].take(current, c, heap.pages);
    return current.empty() ? nullptr : current.pop();
}

void mcache::make_place(size_class c, span_heap& heap) noexcept {
    auto& [current, spare, length] = lists_[c];
    if (!spare.empty()) heap.central[c].give(std::move(spare), c, heap.pages);
    spare = std::move(current);
}

void mcache::start() noexcept {
    for (size_class c = 0; c < class_count; ++c) lists_[c].length = list_length(c);
}

void mcache::stop(span_heap& heap) noexcept {
    flush(heap);
    for (list_pair& lists : lists_) lists.length = 0;
}

void mcache::flush(span_heap& heap) noexcept {
    for (size_class c = 0; c < class_count; ++c) {
        auto& [current, spare, length] = lists_[c];
        if (!current.empty()) heap.central[c].give(std::move(current), c, heap.pages);
        if (!spare.empty()) heap.central[c].give(std::move(spare), c, heap.pages);
    }
}

} // namespace growstack::heap
