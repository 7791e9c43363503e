// The heap as a program uses it: one for the process, a cache for each thread.
//
//     std::pmr::vector<int> v{growstack::heap::resource()};
//
// Any thread may free what another allocated. A thread's cache goes to the others when the thread ends.
#pragma once

#include <growstack/heap/size_class.hpp>

#include <array>
#include <cstddef>
#include <memory_resource>

namespace growstack::heap {

/// Returns the heap. Its allocate throws std::bad_alloc; sizes and alignments given back must be those asked for.
/// Checked builds (without NDEBUG) abort with a message on a block that is freed twice, with another size, or was never
/// the heap's.
std::pmr::memory_resource* resource() noexcept;

/// Returns a resource that packs objects under 16 bytes several to a block of 16, which is used again when the last of
/// them is freed; larger ones go to resource(). Meant for many small strings and numbers.
std::pmr::memory_resource* tiny_resource() noexcept;

/// Allocates `bytes` bytes at a multiple of `alignment`, a power of two; null: no memory, or a size that no memory
/// holds. Thread-safe; constant time but where a list runs out.
[[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) noexcept;

/// Frees what allocate() returned, with the same size and alignment.
void deallocate(void* p, std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) noexcept;

/// Gives memory that is not in use back to the system, but for what other threads have at hand. Returns how many bytes.
std::size_t scavenge() noexcept;

/// Memory of the heap, in bytes. Exact while no other thread allocates or frees.
struct heap_stats {
    std::array<std::size_t, class_count> in_use_bytes{}; // by class: slots that the program has
    std::size_t large_bytes = 0;                         // in use above largest_class_bytes
    std::size_t cached_bytes = 0;   // free slots: in threads' caches, on lists between them, in spans
    std::size_t idle_bytes = 0;     // free pages with memory
    std::size_t returned_bytes = 0; // free pages without
    std::size_t metadata_bytes = 0; // spans' records

    std::size_t total_in_use_bytes() const noexcept {
        std::size_t sum = large_bytes;
        for (const std::size_t bytes : in_use_bytes) sum += bytes;
        return sum;
    }
};

heap_stats stats() noexcept;

/// Aborts with a message where the heap's books do not agree. For tests, while no other thread uses the heap: visits
/// every span.
void check_invariants() noexcept;

} // namespace growstack::heap
