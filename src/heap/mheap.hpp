// The lowest level: runs of free pages, best fit in logarithmic time, neighbours joined when they are freed.
//
// Free runs with memory (idle) and without (returned) are kept apart, so that memory which is there is used first.
// Neighbours of different kinds are joined when nothing else fits: what is idle is then returned.
#pragma once

#include "heap/page_map.hpp"

#include <boost/intrusive/set.hpp>

#include <mutex>

namespace growstack::heap {

/// Pages of an mheap, in bytes. in_use + idle + returned is the address space of its arenas.
struct page_stats {
    std::size_t in_use_bytes = 0;
    std::size_t idle_bytes = 0;     // free, with memory
    std::size_t returned_bytes = 0; // free, its memory given back to the system or never asked for
    std::size_t metadata_bytes = 0; // spans' records
};

class mheap {
public:
    /// Arenas are `arena_bytes` at least; above `most_idle_bytes` of idle pages, half of them are returned.
    mheap(page_source source, std::size_t arena_bytes, std::size_t most_idle_bytes) noexcept
        : mheap{source, source, arena_bytes, most_idle_bytes} {}

    /// The same, with its own records and its page map in memory of another source. The mheap never touches the pages
    /// that it hands out, so `source` may count in units of its own.
    mheap(page_source source, page_source records, std::size_t arena_bytes, std::size_t most_idle_bytes) noexcept
        : source_{source}, records_{records}, arena_bytes_{arena_bytes}, most_idle_bytes_{most_idle_bytes} {}
    ~mheap();
    mheap(const mheap&) = delete;
    mheap& operator=(const mheap&) = delete;

    /// Returns a span of `pages` that begins at a multiple of `alignment_pages`, a power of two, in state `use`: slots
    /// or large; null: no memory. Thread-safe. Logarithmic in the number of free runs.
    mspan* allocate(std::size_t pages, span_state use, std::size_t alignment_pages = 1) noexcept;

    /// Takes a span back and joins it with its neighbours. Thread-safe, logarithmic.
    void free(mspan* span) noexcept;

    /// Gives idle pages back to the system, the largest runs first, until at most `keep_bytes` are left. Returns how
    /// many bytes it gave back.
    std::size_t scavenge(std::size_t keep_bytes = 0) noexcept;

    mspan* find(std::uintptr_t address) const noexcept { return map_.find(address); }

    /// Says if one arena holds all of [lo, hi). Thread-safe, linear in the number of arenas.
    bool owns(std::uintptr_t lo, std::uintptr_t hi) const noexcept;
    page_stats stats() const noexcept;

    /// Aborts with a message where the books do not agree. For tests: it visits every span.
    void check_invariants() const noexcept;

private:
    struct by_size {
        bool operator()(const mspan& a, const mspan& b) const noexcept {
            return a.pages != b.pages ? a.pages < b.pages : a.lo < b.lo;
        }
    };
    using run_tree =
        boost::intrusive::set<mspan, boost::intrusive::base_hook<tree_hook>, boost::intrusive::compare<by_size>>;

    // An arena's record; they make the list of what the destructor gives back, and the order of check_invariants().
    struct arena {
        std::uintptr_t lo;
        std::size_t bytes;
        arena* next;
    };

    run_tree& tree_of(const mspan& span) noexcept { return span.state == span_state::idle ? idle_ : returned_; }
    std::size_t& free_bytes_of(const mspan& span) noexcept {
        return span.state == span_state::idle ? stats_.idle_bytes : stats_.returned_bytes;
    }

    mspan* take_best_fit(run_tree& tree, std::size_t pages, std::size_t alignment_pages) noexcept;
    mspan* take_any_fit(std::size_t pages, std::size_t alignment_pages) noexcept;
    bool cut(mspan& run, std::uintptr_t lo, std::size_t pages) noexcept;
    mspan* join_neighbours(mspan* span) noexcept;
    bool is_joinable(const mspan* neighbour, const mspan& span) const noexcept;
    void insert_free(mspan& span) noexcept;
    void remove_free(mspan& span) noexcept;
    void return_pages(mspan& span) noexcept;
    std::size_t scavenge_locked(std::size_t keep_bytes) noexcept;
    bool add_arena(std::size_t bytes) noexcept;
    void note_arena(arena* added) noexcept;

    mspan* new_record() noexcept;
    void free_record(mspan* span) noexcept;
    void* metadata(std::size_t bytes) noexcept;

    page_source source_, records_;
    std::size_t arena_bytes_;
    std::size_t most_idle_bytes_;
    mutable std::mutex mutex_;
    run_tree idle_, returned_;
    page_stats stats_;
    arena* arenas_ = nullptr;

    // Records come from blocks of their own and are used again.
    struct metadata_block {
        metadata_block* next;
    };
    metadata_block* metadata_blocks_ = nullptr;
    std::uintptr_t metadata_next_ = 0, metadata_hi_ = 0;
    object_list free_records_;

    page_map map_;
};

} // namespace growstack::heap
