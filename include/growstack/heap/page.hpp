// The unit that spans are made of, and where it comes from.
//
// The heap, from the program down to the system; each level has a header of its own, in this order of reading:
//
//     mcache      a thread's own lists of free objects, one pair for each size class: no lock
//       |         moves whole lists of objects
//     mcentral    one for each size class: spans with free objects, and lists on their way between threads: a lock each
//       |         moves spans
//     mheap       free runs of pages, best fit, neighbours joined: one lock
//       |         takes arenas
//     the system  page_source
//
// Sources: TCMalloc's design document (github.com/google/tcmalloc, docs/design.md) and Go's runtime/malloc.go.
#pragma once

#include <cstddef>
#include <cstdint>

namespace growstack::heap {

inline constexpr unsigned page_shift = 12;
inline constexpr std::size_t page_bytes = std::size_t{1} << page_shift;

/// Returns the pages of an object; one at least.
constexpr std::size_t pages_for(std::size_t bytes) noexcept {
    return (bytes >> page_shift) + (bytes % page_bytes != 0 || !bytes);
}

/// The system, or what stands in for it: a test's source fails where the test wants it to.
struct page_source {
    /// Returns address space, readable and writable, zeros, without memory yet; 0: there is none. `bytes` is a multiple
    /// of page_bytes.
    std::uintptr_t (*reserve)(std::size_t bytes) noexcept;
    /// Gives it back. The address space may be used by others at once.
    void (*release)(std::uintptr_t lo, std::size_t bytes) noexcept;
    /// Gives the memory back and keeps the address space; it reads as zeros or as before.
    void (*decommit)(std::uintptr_t lo, std::size_t bytes) noexcept;
};

/// Returns mmap, munmap and madvise(MADV_DONTNEED).
page_source system_pages() noexcept;

} // namespace growstack::heap
