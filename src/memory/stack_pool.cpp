// The stacks that no thread has.
#include "memory/stack_pool.hpp"
#include "sanitizer/address.hpp"
#include "sanitizer/valgrind.hpp"
#include "system/guard.hpp"

#include <growstack/detail/address_sanitizer.hpp>

#include <sys/mman.h>

#include <new>
#include <utility>

namespace growstack::grow {
namespace {

using heap::mspan;

// Above so many bytes of free stacks, of small ones and of large ones, their memory goes back to the system.
constexpr std::size_t most_warm_bytes = std::size_t{128} << 20;

std::uintptr_t scaled(std::uintptr_t address) noexcept { return address >> scale_shift; }
std::uintptr_t unscaled(std::uintptr_t address) noexcept { return address << scale_shift; }

void unmap(std::uintptr_t lo, std::size_t bytes) noexcept {
    forget_frames({lo, lo + bytes}); // something else may be mapped there
    ::munmap(reinterpret_cast<void*>(lo), bytes);
}
void give_memory_back(std::uintptr_t lo, std::size_t bytes) noexcept {
    ::madvise(reinterpret_cast<void*>(lo), bytes, MADV_DONTNEED);
}

heap::page_source address_space() noexcept {
    return {.reserve = [](std::size_t bytes) noexcept { return scaled(take_address_space(unscaled(bytes))); },
            .release = [](std::uintptr_t lo, std::size_t bytes) noexcept { unmap(unscaled(lo), unscaled(bytes)); },
            .decommit = [](std::uintptr_t lo,
                           std::size_t bytes) noexcept { give_memory_back(unscaled(lo), unscaled(bytes)); }};
}

std::uintptr_t lo_of(const mspan& span) noexcept { return unscaled(span.lo); }
std::size_t bytes_in(const mspan& span) noexcept { return unscaled(span.bytes()); }

// At most 64 slots, for a word of bits. Guarded ones: as many as there are classes of pages, in whole page tables.
constexpr std::size_t span_bytes_of(stack_class c) noexcept {
    if (is_dense(c)) return std::min(64 * bytes_of(c), std::size_t{128} << 10);
    if (c >= cached_classes) return stride_of(c);
    return c <= guarded_class(15) ? std::size_t{2} << 20 : std::size_t{4} << 20;
}

constexpr bool holds_every_hi_class() noexcept {
    for (stack_class c = dense_classes; c < cached_classes; ++c) {
        const std::size_t slots = span_bytes_of(c) / stride_of(c);
        if (slots < hi_alignment / detail::page_bytes || slots > 64 || stride_of(c) / detail::page_bytes % 2 == 0)
            return false;
    }
    return true;
}
static_assert(holds_every_hi_class());

constexpr std::uint64_t bit(unsigned slot) noexcept { return std::uint64_t{1} << slot; }
constexpr std::uint64_t all_bits(unsigned slots) noexcept { return UINT64_MAX >> (64 - slots); }

bounds with_guard(stack_class c, std::uintptr_t slot_hi) noexcept { return {guard_below(c, slot_hi).lo, slot_hi}; }

std::uintptr_t map_unpooled(stack_class c) noexcept {
    const std::size_t bytes = stride_of(c);
    const std::uintptr_t lo = take_address_space(bytes);
    if (lo && install_guard(guard_below(c, lo + bytes))) return lo + bytes;
    if (lo) unmap(lo, bytes);
    return 0;
}

} // namespace

stack_pool::stack_pool() noexcept
    : near_{address_space(), heap::system_pages(), scaled(window_bytes), scaled(most_warm_bytes)},
      far_{address_space(), heap::system_pages(), heap::page_bytes, scaled(most_warm_bytes)} {}

alignas(stack_pool) std::byte shared_pool_memory[sizeof(stack_pool)];

stack_pool& shared_pool() noexcept {
    static auto* const instance = ::new (shared_pool_memory) stack_pool;
    return *instance;
}

std::uintptr_t stack_pool::hi_of(const mspan& span, unsigned slot) noexcept {
    return lo_of(span) + span.slot_offset + (slot + 1) * stride_of(span.slot_class);
}

unsigned stack_pool::slot_of(const mspan& span, std::uintptr_t slot_hi) noexcept {
    return static_cast<unsigned>((slot_hi - lo_of(span) - span.slot_offset) / stride_of(span.slot_class) - 1);
}

std::uint64_t stack_pool::slots_with(const mspan& span, unsigned hi_class) noexcept {
    if (hi_class == any_class) return UINT64_MAX;
    std::uint64_t slots = 0;
    for (unsigned i = 0; i < span.capacity; ++i)
        if (class_of_hi(hi_of(span, i)) == hi_class) slots |= bit(i);
    return slots;
}

std::uintptr_t stack_pool::take(stack_class c, unsigned hi_class) noexcept {
    const std::lock_guard lock{mutex_};
    std::uintptr_t slot_hi = take_locked(c, hi_class);
    if (!slot_hi) {
        release_unused_spans(); // of other classes: the memory, the address space or the mappings may do
        slot_hi = take_locked(c, hi_class);
    }
    if (!slot_hi) return 0;
    taken_bytes_ += bytes_of(c);
    if (is_under_valgrind()) announce_slot(with_guard(c, slot_hi));
    return slot_hi;
}

std::uintptr_t stack_pool::take_locked(stack_class c, unsigned hi_class) noexcept {
    if (c >= pooled_classes) return map_unpooled(c);
    const bool is_warm = warm_[c].has(hi_class);
    const std::uintptr_t slot_hi = is_warm ? warm_[c].pop(hi_class) : take_untouched(c, hi_class);
    if (!slot_hi) return 0;
    if (is_warm) warm_bytes(c) -= bytes_of(c);
    ++pages_of(c).find(scaled(slot_hi - 1))->used;
    return slot_hi;
}

void stack_pool::take_warm(stack_class c, free_stacks& to, std::size_t count) noexcept {
    const std::lock_guard lock{mutex_};
    for (; count && warm_[c].has(any_class); --count) {
        to.push(take_locked(c, any_class));
        taken_bytes_ += bytes_of(c);
    }
}

std::uintptr_t stack_pool::take_untouched(stack_class c, unsigned hi_class) noexcept {
    mspan* const span = span_with_untouched(c, hi_class);
    if (!span) return 0;
    const auto slot = static_cast<unsigned>(std::countr_zero(span->untouched & slots_with(*span, hi_class)));
    if (!install_guards_to(*span, slot)) return 0;
    set_untouched(*span, span->untouched & ~bit(slot));
    return hi_of(*span, slot);
}

mspan* stack_pool::span_with_untouched(stack_class c, unsigned hi_class) noexcept {
    span_list& spans = some_untouched_[c];
    // In turn: many spans may have lost their slots of a class.
    for (int looks = 16; looks && !spans.empty(); --looks) {
        mspan& span = spans.front();
        if (span.untouched & slots_with(span, hi_class)) return &span;
        spans.splice(spans.end(), spans, spans.begin());
    }
    if (mspan* const span = new_span(c, hi_class)) return span;
    for (mspan& span : spans)
        if (span.untouched & slots_with(span, hi_class)) return &span;
    return nullptr;
}

mspan* stack_pool::new_span(stack_class c, unsigned hi_class) noexcept {
    mspan* const span = pages_of(c).allocate(heap::pages_for(scaled(span_bytes_of(c))), heap::span_state::large);
    if (!span) return nullptr;
    span->slot_class = c;
    span->slot_offset = 0;
    if (is_dense(c) && hi_class != any_class)
        span->slot_offset = static_cast<std::uint32_t>(hi_class * hi_step_bytes % bytes_of(c));
    span->capacity = static_cast<std::uint32_t>((bytes_in(*span) - span->slot_offset) / stride_of(c));
    span->carved = span->used = 0;
    span->untouched = all_bits(span->capacity);
    some_untouched_[c].push_front(*span);
    return span;
}

// A span's guards are installed up to the slot that is wanted, in spans after the first one all at once; `carved`
// counts them.
bool stack_pool::install_guards_to(mspan& span, unsigned slot) noexcept {
    const stack_class c = span.slot_class;
    if (is_dense(c) || slot < span.carved) return true;
    const unsigned end = all_touched_[c].empty() || guards_take_mappings() ? slot + 1 : span.capacity;
    std::array<bounds, 64> guards;
    const unsigned count = end - span.carved;
    for (unsigned i = 0; i < count; ++i) guards[i] = guard_below(c, hi_of(span, span.carved + i));
    span.carved += static_cast<std::uint32_t>(install_guards({guards.data(), count}));
    return slot < span.carved;
}

void stack_pool::set_untouched(mspan& span, std::uint64_t slots) noexcept {
    span_list& before = list_of(span);
    span.untouched = slots;
    span_list& after = list_of(span);
    if (&before == &after) return;
    before.erase(before.iterator_to(span));
    after.push_front(span);
}

void stack_pool::give(stack_class c, std::uintptr_t slot_hi) noexcept {
    const std::lock_guard lock{mutex_};
    if (is_under_valgrind()) retire_slot(with_guard(c, slot_hi));
    give_locked(c, slot_hi);
}

void stack_pool::give(stack_class c, free_stacks& from, std::size_t keep) noexcept {
    const std::lock_guard lock{mutex_};
    while (from.count() > keep) give_locked(c, from.pop(any_class));
}

void stack_pool::give_locked(stack_class c, std::uintptr_t slot_hi) noexcept {
    const std::size_t bytes = bytes_of(c);
    taken_bytes_ -= bytes;
    if (c >= pooled_classes) return unmap(slot_hi - stride_of(c), stride_of(c));
    mspan& span = *pages_of(c).find(scaled(slot_hi - 1));
    --span.used;
    // Releasing a whole span is three times as fast as releasing its stacks one by one.
    const bool is_much = warm_bytes(c) + bytes > most_warm_bytes / 2,
               is_too_much = warm_bytes(c) + bytes > most_warm_bytes;
    if (is_too_much && !is_dense(c)) {
        forget_memory(span, slot_hi);
    } else {
        warm_[c].push(slot_hi);
        warm_bytes(c) += bytes;
    }
    if (is_much && !span.used) release(span);
}

void stack_pool::forget_memory(mspan& span, std::uintptr_t slot_hi) noexcept {
    const std::uintptr_t lo = guard_below(span.slot_class, slot_hi).hi;
    give_memory_back(lo, slot_hi - lo);
    set_untouched(span, span.untouched | bit(slot_of(span, slot_hi)));
}

// Gives a span without stacks in use back to the mheap. Returns false if its guards cannot be removed.
bool stack_pool::release(mspan& span) noexcept {
    const stack_class c = span.slot_class;
    if (span.carved && !remove_guard({lo_of(span), lo_of(span) + bytes_in(span)})) return false;
    for (unsigned i = 0; i < span.capacity; ++i) {
        if (span.untouched & bit(i)) continue;
        warm_[c].remove(hi_of(span, i));
        warm_bytes(c) -= bytes_of(c);
    }
    list_of(span).erase(list_of(span).iterator_to(span));
    pages_of(c).free(&span);
    return true;
}

void stack_pool::release_unused_spans() noexcept {
    for (auto* lists : {&some_untouched_, &all_touched_})
        for (span_list& spans : *lists)
            for (auto next = spans.begin(); next != spans.end();) {
                mspan& span = *next++;
                if (!span.used) release(span);
            }
    near_.scavenge();
    far_.scavenge();
}

std::size_t stack_pool::cached_bytes(std::size_t in_use) noexcept {
    const std::lock_guard lock{mutex_};
    return small_warm_bytes_ + large_warm_bytes_ + (taken_bytes_ > in_use ? taken_bytes_ - in_use : 0);
}

bool stack_pool::owns(std::uintptr_t lo, std::uintptr_t hi) const noexcept {
    return near_.owns(scaled(lo), scaled(hi - 1) + 1) || far_.owns(scaled(lo), scaled(hi - 1) + 1);
}

stack_pool::slot stack_pool::slot_at(std::uintptr_t address) noexcept {
    const std::lock_guard lock{mutex_};
    for (heap::mheap* pages : {&near_, &far_}) {
        const mspan* const span = pages->find(scaled(address));
        if (!span || span->is_free()) continue;
        for (unsigned i = 0; i < span->capacity; ++i) {
            const std::uintptr_t slot_hi = hi_of(*span, i);
            const bool is_here = address < slot_hi && address >= slot_hi - stride_of(span->slot_class);
            if (is_here && !(span->untouched & bit(i))) return {span->slot_class, slot_hi};
        }
    }
    return {};
}

void stack_pool::trim() noexcept {
    const std::lock_guard lock{mutex_};
    release_unused_spans();
    for (stack_class c = dense_classes; c < pooled_classes; ++c)
        while (warm_[c].has(any_class)) {
            const std::uintptr_t slot_hi = warm_[c].pop(any_class);
            warm_bytes(c) -= bytes_of(c);
            forget_memory(*pages_of(c).find(scaled(slot_hi - 1)), slot_hi);
        }
}

} // namespace growstack::grow
