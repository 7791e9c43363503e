// The tiny class: objects under 16 bytes that hold no pointers, packed in blocks of 16.
//
//     tiny span   | count count count ... | block | block | block | ...
//     block       | object | object | free |       its count: objects in it, and one while a thread still fills it
//
// A block is free when its count is 0, whoever frees the last object. Go leaves that to its collector (malloc.go, tiny
// allocator), which must not scan the blocks: hence "no pointers". Here it is only a way to save memory.
#pragma once

#include "heap/mcache.hpp"

namespace growstack::heap {

class tiny_cache {
public:
    /// Returns `bytes` < 16 bytes at a multiple of `alignment` <= 8; null: no memory. This thread only.
    void* allocate(std::size_t bytes, std::size_t alignment, mcache& cache, span_heap& heap) noexcept;

    /// Frees an object of any thread's. Returns its block if that is free now, for the caller to give to an mcache.
    static void* free(void* p, const span_heap& heap) noexcept;

    /// Leaves the block that is being filled.
    void flush(mcache& cache, span_heap& heap) noexcept;

private:
    std::uintptr_t next_ = 0, hi_ = 0; // the rest of the block that is being filled
};

} // namespace growstack::heap
