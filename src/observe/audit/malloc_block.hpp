// Finds the block of glibc's malloc that an address lies in.
#pragma once

#include "observe/audit/memory.hpp"

namespace growstack::audit {

/// Prepares the look-up: learns how a block in a thread's cache is marked, and has malloc overwrite what is freed.
/// Allocates. Does nothing if malloc is neither glibc's nor a sanitizer's.
void prepare_malloc_blocks() noexcept;

/// Says if malloc is one of those.
bool has_malloc_blocks() noexcept;

struct malloc_place {
    bounds memory; // empty: no memory of malloc's, as far as is known; or, around the address, where no block in use is
    bool is_in_use = false;
};

/// Returns the block, in use or free, that the address, in that mapping, lies in. One thread at a time.
/// `nothing`: where no block in use is, as the last call has found out. `may_wait`: no code that has been interrupted
/// may hold a lock.
malloc_place malloc_block(std::uintptr_t address, const mapping& m, bounds nothing, bool may_wait) noexcept;

} // namespace growstack::audit
