// Runs of free pages.
#include "heap/mheap.hpp"

#include "heap/corrupt.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <new>
#include <utility>

namespace growstack::heap {
namespace {

constexpr std::size_t metadata_block_bytes = std::size_t{64} << 10;

// Checked builds keep a bit for each slot behind a span's record.
#ifdef NDEBUG
constexpr std::size_t taken_words = 0;
#else
constexpr std::size_t taken_words = most_slots / 64;
#endif
constexpr std::size_t record_bytes = sizeof(mspan) + taken_words * sizeof(std::atomic<std::uint64_t>);

constexpr std::size_t round_up(std::size_t n, std::size_t to) noexcept { return (n + to - 1) & ~(to - 1); }

} // namespace

mheap::~mheap() {
    idle_.clear();
    returned_.clear();
    for (const arena* a = arenas_; a; a = a->next) source_.release(a->lo, a->bytes);
    while (metadata_block* block = metadata_blocks_) {
        metadata_blocks_ = block->next;
        records_.release(reinterpret_cast<std::uintptr_t>(block), metadata_block_bytes);
    }
    map_.release(records_);
}

mspan* mheap::allocate(std::size_t pages, span_state use, std::size_t alignment_pages) noexcept {
    if (pages > (SIZE_MAX >> (page_shift + 1)) || alignment_pages > (SIZE_MAX >> (page_shift + 1))) return nullptr;
    const std::lock_guard lock{mutex_};
    mspan* span = take_any_fit(pages, alignment_pages);
    if (!span) return nullptr;
    span->state = use;
    map_.set(span->lo, span->pages, span);
    stats_.in_use_bytes += span->bytes();
    return span;
}

mspan* mheap::take_any_fit(std::size_t pages, std::size_t alignment_pages) noexcept {
    if (mspan* span = take_best_fit(idle_, pages, alignment_pages)) return span;
    if (mspan* span = take_best_fit(returned_, pages, alignment_pages)) return span;
    // Runs of the two kinds may make one that fits.
    if (stats_.idle_bytes && stats_.idle_bytes + stats_.returned_bytes >= pages * page_bytes) {
        scavenge_locked(0);
        if (mspan* span = take_best_fit(returned_, pages, alignment_pages)) return span;
    }
    if (!add_arena((pages + alignment_pages - 1) * page_bytes)) return nullptr;
    return take_best_fit(returned_, pages, alignment_pages);
}

mspan* mheap::take_best_fit(run_tree& tree, std::size_t pages, std::size_t alignment_pages) noexcept {
    struct at_least {
        bool operator()(const mspan& run, std::size_t wanted) const noexcept { return run.pages < wanted; }
        bool operator()(std::size_t wanted, const mspan& run) const noexcept { return wanted < run.pages; }
    };
    // A run so long holds an aligned one wherever it begins.
    const auto run = tree.lower_bound(pages + alignment_pages - 1, at_least{});
    if (run == tree.end()) return nullptr;
    return cut(*run, round_up(run->lo, alignment_pages * page_bytes), pages) ? &*run : nullptr;
}

// Makes [lo, lo + pages) of the free run the whole of it, and free runs of what is before and behind.
bool mheap::cut(mspan& run, std::uintptr_t lo, std::size_t pages) noexcept {
    const std::size_t before = (lo - run.lo) >> page_shift, behind = run.pages - before - pages;
    mspan* const first = before ? new_record() : nullptr;
    mspan* const last = behind ? new_record() : nullptr;
    if ((before && !first) || (behind && !last)) {
        if (first) free_record(first);
        if (last) free_record(last);
        return false;
    }
    remove_free(run);
    if (first) {
        first->state = run.state;
        first->lo = run.lo;
        first->pages = before;
        insert_free(*first);
    }
    if (last) {
        last->state = run.state;
        last->lo = lo + pages * page_bytes;
        last->pages = behind;
        insert_free(*last);
    }
    run.lo = lo;
    run.pages = pages;
    return true;
}

void mheap::free(mspan* span) noexcept {
    const std::lock_guard lock{mutex_};
    stats_.in_use_bytes -= span->bytes();
    map_.set(span->lo, span->pages, nullptr);
    span->state = span_state::idle;
    insert_free(*join_neighbours(span));
    if (stats_.idle_bytes > most_idle_bytes_) scavenge_locked(most_idle_bytes_ / 2);
}

bool mheap::is_joinable(const mspan* neighbour, const mspan& span) const noexcept {
    return neighbour && neighbour->state == span.state;
}

// Returns the record of the whole; it is on no tree.
mspan* mheap::join_neighbours(mspan* span) noexcept {
    mspan* const below = map_.find(span->lo - page_bytes);
    if (is_joinable(below, *span)) {
        remove_free(*below);
        below->pages += span->pages;
        free_record(span);
        span = below;
    }
    mspan* const above = map_.find(span->hi());
    if (is_joinable(above, *span)) {
        remove_free(*above);
        span->pages += above->pages;
        free_record(above);
    }
    return span;
}

// Of a free run, the map knows the first page and the last.
void mheap::insert_free(mspan& span) noexcept {
    map_.set(span.lo, 1, &span);
    map_.set(span.hi() - page_bytes, 1, &span);
    tree_of(span).insert(span);
    free_bytes_of(span) += span.bytes();
}

void mheap::remove_free(mspan& span) noexcept {
    map_.set(span.lo, 1, nullptr);
    map_.set(span.hi() - page_bytes, 1, nullptr);
    tree_of(span).erase(tree_of(span).iterator_to(span));
    free_bytes_of(span) -= span.bytes();
}

void mheap::return_pages(mspan& span) noexcept {
    remove_free(span);
    source_.decommit(span.lo, span.bytes());
    span.state = span_state::returned;
    insert_free(*join_neighbours(&span));
}

std::size_t mheap::scavenge(std::size_t keep_bytes) noexcept {
    const std::lock_guard lock{mutex_};
    return scavenge_locked(keep_bytes);
}

std::size_t mheap::scavenge_locked(std::size_t keep_bytes) noexcept {
    const std::size_t before = stats_.idle_bytes;
    while (stats_.idle_bytes > keep_bytes) return_pages(*idle_.rbegin());
    return before - stats_.idle_bytes;
}

// New pages have no memory yet, as returned ones have none.
bool mheap::add_arena(std::size_t bytes) noexcept {
    if (bytes < arena_bytes_) bytes = arena_bytes_;
    auto* record = static_cast<arena*>(metadata(sizeof(arena)));
    mspan* span = new_record();
    const std::uintptr_t lo = record && span ? source_.reserve(bytes) : 0;
    if (!lo || !map_.cover(lo, bytes, records_)) {
        if (lo) source_.release(lo, bytes);
        if (span) free_record(span);
        return false;
    }
    note_arena(::new (record) arena{lo, bytes, nullptr});
    span->state = span_state::returned;
    span->lo = lo;
    span->pages = bytes >> page_shift;
    insert_free(*join_neighbours(span));
    return true;
}

// Arenas that touch become one, as their runs do.
void mheap::note_arena(arena* added) noexcept {
    for (arena** link = &arenas_; *link;) {
        arena* const a = *link;
        if (a->lo + a->bytes != added->lo && added->lo + added->bytes != a->lo) {
            link = &a->next;
            continue;
        }
        added->lo = std::min(a->lo, added->lo);
        added->bytes += a->bytes;
        *link = a->next;
    }
    added->next = arenas_;
    arenas_ = added;
}

mspan* mheap::new_record() noexcept {
    void* const memory = free_records_.empty() ? metadata(record_bytes) : free_records_.pop();
    if (!memory) return nullptr;
    mspan* const span = std::construct_at(static_cast<mspan*>(memory));
    if constexpr (taken_words) {
        span->taken = reinterpret_cast<std::atomic<std::uint64_t>*>(span + 1);
        std::uninitialized_value_construct_n(span->taken, taken_words);
    }
    return span;
}

void mheap::free_record(mspan* span) noexcept {
    std::destroy_at(span);
    free_records_.push(span);
}

void* mheap::metadata(std::size_t bytes) noexcept {
    bytes = round_up(bytes, alignof(std::max_align_t));
    if (metadata_hi_ - metadata_next_ < bytes) {
        const std::uintptr_t lo = records_.reserve(metadata_block_bytes);
        if (!lo) return nullptr;
        metadata_blocks_ = ::new (reinterpret_cast<void*>(lo)) metadata_block{metadata_blocks_};
        metadata_next_ = lo + round_up(sizeof(metadata_block), alignof(std::max_align_t));
        metadata_hi_ = lo + metadata_block_bytes;
        stats_.metadata_bytes += metadata_block_bytes;
    }
    return reinterpret_cast<void*>(std::exchange(metadata_next_, metadata_next_ + bytes));
}

bool mheap::owns(std::uintptr_t lo, std::uintptr_t hi) const noexcept {
    const std::lock_guard lock{mutex_};
    for (const arena* a = arenas_; a; a = a->next)
        if (a->lo <= lo && hi <= a->lo + a->bytes) return true;
    return false;
}

page_stats mheap::stats() const noexcept {
    const std::lock_guard lock{mutex_};
    return stats_;
}

void mheap::check_invariants() const noexcept {
    const std::lock_guard lock{mutex_};
    std::size_t in_use = 0, idle = 0, returned = 0;
    for (const arena* a = arenas_; a; a = a->next) {
        for (std::uintptr_t at = a->lo; at < a->lo + a->bytes;) {
            const mspan* span = map_.find(at);
            check(span != nullptr, "a page of an arena belongs to no span");
            check(span->pages != 0, "an empty span");
            check(map_.find(span->hi() - page_bytes) == span, "the map's entries for a span differ");
            const std::size_t in_arena = std::min(span->hi(), a->lo + a->bytes) - std::max(span->lo, a->lo);
            (span->state == span_state::idle       ? idle
             : span->state == span_state::returned ? returned
                                                   : in_use) += in_arena;
            const mspan* next = map_.find(span->hi());
            check(!span->is_free() || !next || next->state != span->state, "neighbours were not joined");
            at = span->hi();
        }
    }
    check(in_use == stats_.in_use_bytes, "bytes in use differ from the sum of the spans");
    check(idle == stats_.idle_bytes, "idle bytes differ from the sum of the spans");
    check(returned == stats_.returned_bytes, "returned bytes differ from the sum of the spans");
}

} // namespace growstack::heap
