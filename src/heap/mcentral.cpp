// All slots of one class that no thread has.
#include "heap/mcentral.hpp"

#include "heap/corrupt.hpp"

namespace growstack::heap {

void mcentral::take(object_list& list, size_class c, mheap& pages) noexcept {
    const std::lock_guard lock{mutex_};
    if (stocked_) {
        list = take_stocked();
        return;
    }
    while (list.count() < list_length(c)) {
        mspan* span = span_with_free_slots(c, pages);
        if (!span) return;
        while (span->free_slots() && list.count() < list_length(c)) {
            list.push(span->take_slot());
            ++taken_;
        }
        if (span->free_slots()) continue;
        partial_.erase(partial_.iterator_to(*span));
        full_.push_front(*span);
    }
}

object_list mcentral::take_stocked() noexcept {
    const std::uint32_t last = --stocked_;
    waiting_ -= stock_[last].count();
    return std::move(stock_[last]);
}

mspan* mcentral::span_with_free_slots(size_class c, mheap& pages) noexcept {
    if (!partial_.empty()) return &partial_.front();
    mspan* span = pages.allocate(span_pages(c), span_state::slots);
    if (!span) return nullptr;
    span->begin_slots(c);
    partial_.push_front(*span);
    ++spans_;
    return span;
}

void mcentral::give(object_list&& list, size_class c, mheap& pages) noexcept {
    const std::lock_guard lock{mutex_};
    if (list.count() != list_length(c) || stocked_ == most_stocked(c)) return give_home(list, pages);
    waiting_ += list.count();
    stock_[stocked_++] = std::move(list);
}

void mcentral::give_home(object_list& list, mheap& pages) noexcept {
    while (!list.empty()) {
        void* p = list.pop();
        mspan* const span = pages.find(reinterpret_cast<std::uintptr_t>(p));
        check(span != nullptr, "a slot on a free list lies in no span");
        if (!span->free_slots()) {
            full_.erase(full_.iterator_to(*span));
            partial_.push_front(*span);
        }
        span->give_slot(p);
        --taken_;
        if (span->used) continue;
        partial_.erase(partial_.iterator_to(*span));
        --spans_;
        pages.free(span);
    }
}

void mcentral::flush(mheap& pages) noexcept {
    const std::lock_guard lock{mutex_};
    while (stocked_) {
        object_list list = take_stocked();
        give_home(list, pages);
    }
}

std::size_t mcentral::slots_out() const noexcept {
    const std::lock_guard lock{mutex_};
    return taken_ - waiting_;
}

std::size_t mcentral::span_bytes(size_class c) const noexcept {
    const std::lock_guard lock{mutex_};
    return spans_ * span_pages(c) * page_bytes;
}

void mcentral::check_invariants(size_class c) const noexcept {
    const std::lock_guard lock{mutex_};
    std::size_t used = 0, waiting = 0;
    const auto check_span = [&](const mspan& span) {
        check(span.state == span_state::slots && span.slot_class == c, "a span of another class");
        check(span.used + span.free_slots() == span.capacity, "used + free != capacity");
        check(span.used != 0, "a span that is free as a whole was kept");
        used += span.used;
    };
    for (const mspan& span : partial_) {
        check(span.free_slots() != 0, "a full span among the partial ones");
        check_span(span);
    }
    for (const mspan& span : full_) {
        check(span.free_slots() == 0, "a partial span among the full ones");
        check_span(span);
    }
    for (std::uint32_t i = 0; i < stocked_; ++i) waiting += stock_[i].count();
    check(used == taken_, "slots taken differ from the sum of the spans");
    check(waiting == waiting_, "slots that wait differ from the sum of the lists");
}

} // namespace growstack::heap
