// The heap that the process shares, and what each thread has of it.
#pragma once

#include "heap/tiny.hpp"

namespace growstack::heap {

span_heap& shared_heap() noexcept;

struct local_heap {
    mcache cache;
    tiny_cache tiny;
    local_heap* next = nullptr;
    bool is_ready = false; // listed, and goes back when the thread ends
    bool has_ended = false;
};

[[gnu::tls_model("initial-exec")]] extern constinit thread_local local_heap local;

/// Returns whether this thread may use its cache: not once its thread-local objects are gone.
bool prepare_local_heap() noexcept;

/// Has freed blocks overwritten from now on, or not any more.
void overwrite_freed(bool is_on) noexcept;

/// The ways past the cache.
void* allocate_slowly(size_class c) noexcept;
void free_slowly(void* p, size_class c) noexcept;

/// Returns how many slots of a class all threads have at hand.
std::size_t slots_at_hand(size_class c) noexcept;

} // namespace growstack::heap
