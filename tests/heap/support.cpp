// A system that counts.
#include "support.hpp"

namespace test {

system_books books;

growstack::heap::page_source counting_source() {
    static const growstack::heap::page_source system = growstack::heap::system_pages();
    books = {};
    return {
        .reserve = [](std::size_t bytes) noexcept -> std::uintptr_t {
            if (books.fail_at && books.reservations + 1 >= books.fail_at) return 0;
            ++books.reservations;
            const std::uintptr_t lo = system.reserve(bytes);
            if (lo) books.reserved[lo] = bytes;
            return lo;
        },
        .release =
            [](std::uintptr_t lo, std::size_t bytes) noexcept {
                system.release(lo, bytes);
                // Arenas that touch are released as one.
                while (bytes) {
                    const auto found = books.reserved.find(lo);
                    if (found == books.reserved.end() || found->second > bytes) std::terminate();
                    lo += found->second;
                    bytes -= found->second;
                    books.reserved.erase(found);
                }
            },
        .decommit =
            [](std::uintptr_t lo, std::size_t bytes) noexcept {
                books.decommitted_bytes += bytes;
                system.decommit(lo, bytes);
            },
    };
}

counted_heap::counted_heap(std::size_t most_idle_bytes)
    : heap{std::make_unique<growstack::heap::span_heap>(counting_source(), std::size_t{1} << 20, most_idle_bytes)} {
    cache.start();
}

counted_heap::~counted_heap() {
    cache.stop(*heap);
    heap->scavenge();
    heap->check_invariants();
    CHECK(heap->pages.stats().in_use_bytes == 0);
    heap.reset();
    CHECK(books.reserved.empty());
}

void* counted_heap::allocate(std::size_t bytes, std::size_t alignment) {
    using namespace growstack::heap;
    if (bytes > largest_class_bytes || alignment > page_bytes)
        return heap->allocate_large(bytes ? bytes : 1, alignment);
    return cache.allocate(class_of(bytes, alignment), *heap);
}

void counted_heap::free(void* p, std::size_t bytes, std::size_t alignment) {
    using namespace growstack::heap;
    if (bytes > largest_class_bytes || alignment > page_bytes) heap->free_large(p);
    else cache.free(p, class_of(bytes, alignment), *heap);
}

} // namespace test
