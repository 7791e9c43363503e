// Packing tiny objects.
#include "heap/tiny.hpp"

namespace growstack::heap {
namespace {

using block_count = std::atomic<std::uint8_t>;
static_assert(capacity_of(tiny_class, span_pages(tiny_class)) * sizeof(block_count) <= tiny_header_bytes);

block_count& count_of(std::uintptr_t address, const span_heap& heap) noexcept {
    const mspan* span = heap.pages.find(address);
    return reinterpret_cast<block_count*>(span->lo)[span->slot_index(address)];
}

constexpr std::uintptr_t block_of(std::uintptr_t address) noexcept { return address & ~(tiny_block_bytes - 1); }

} // namespace

void* tiny_cache::allocate(std::size_t bytes, std::size_t alignment, mcache& cache, span_heap& heap) noexcept {
    if (!bytes) bytes = 1; // at the end of a block, the address would be the next one's
    std::uintptr_t lo = (next_ + alignment - 1) & ~(alignment - 1);
    if (lo + bytes > hi_) {
        flush(cache, heap);
        lo = reinterpret_cast<std::uintptr_t>(cache.allocate(tiny_class, heap));
        if (!lo) return nullptr;
        hi_ = lo + tiny_block_bytes;
        count_of(lo, heap).store(1, std::memory_order_relaxed);
    }
    next_ = lo + bytes;
    count_of(lo, heap).fetch_add(1, std::memory_order_relaxed);
    return reinterpret_cast<void*>(lo);
}

void* tiny_cache::free(void* p, const span_heap& heap) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(p);
    // Whoever frees the block has seen what the others did in it.
    const bool is_last = count_of(address, heap).fetch_sub(1, std::memory_order_acq_rel) == 1;
    return is_last ? reinterpret_cast<void*>(block_of(address)) : nullptr;
}

void tiny_cache::flush(mcache& cache, span_heap& heap) noexcept {
    if (hi_)
        if (void* block = free(reinterpret_cast<void*>(hi_ - tiny_block_bytes), heap))
            cache.free(block, tiny_class, heap);
    next_ = hi_ = 0;
}

} // namespace growstack::heap
