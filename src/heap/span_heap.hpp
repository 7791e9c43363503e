// The levels put together, without the threads' own.
#pragma once

#include "heap/mcentral.hpp"

namespace growstack::heap {

struct span_heap {
    explicit span_heap(page_source source = system_pages(), std::size_t arena_bytes = std::size_t{64} << 20,
                       std::size_t most_idle_bytes = std::size_t{64} << 20) noexcept
        : pages{source, arena_bytes, most_idle_bytes} {}

    mheap pages;
    std::array<mcentral, class_count> central;

    /// Allocates what no class serves: above largest_class_bytes, or aligned beyond a page. Null: no memory.
    void* allocate_large(std::size_t bytes, std::size_t alignment) noexcept {
        const std::size_t alignment_pages = alignment > page_bytes ? alignment / page_bytes : 1;
        const mspan* span = pages.allocate(pages_for(bytes), span_state::large, alignment_pages);
        return span ? reinterpret_cast<void*>(span->lo) : nullptr;
    }

    void free_large(void* p) noexcept { pages.free(pages.find(reinterpret_cast<std::uintptr_t>(p))); }

    /// Sends slots that wait home and gives idle pages back to the system. Returns the bytes given back.
    std::size_t scavenge() noexcept {
        for (mcentral& c : central) c.flush(pages);
        return pages.scavenge();
    }

    void check_invariants() const noexcept {
        for (size_class c = 0; c < class_count; ++c) central[c].check_invariants(c);
        pages.check_invariants();
    }
};

} // namespace growstack::heap
