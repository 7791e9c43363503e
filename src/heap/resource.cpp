// The process's heap, and each thread's part of it.
#include "heap/corrupt.hpp"
#include "heap/process_heap.hpp"

#include <growstack/heap/resource.hpp>

#include <cstring>
#include <new>

// Weak: null in programs without AddressSanitizer.
extern "C" {
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* lo, std::size_t bytes);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* lo, std::size_t bytes);
}

namespace growstack::heap {
namespace {

#ifdef NDEBUG
constexpr bool is_checked = false;
#else
constexpr bool is_checked = true;
#endif

// Sizes that no memory holds, and whose rounding up would wrap.
constexpr std::size_t most_bytes = std::size_t{1} << 46;

bool has_class(std::size_t bytes, std::size_t alignment) noexcept {
    return detail::is_listed(bytes, alignment) || (bytes <= largest_class_bytes && alignment <= page_bytes);
}

[[gnu::noinline]] void* allocate_large(std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > most_bytes || alignment > most_bytes) return nullptr;
    return shared_heap().allocate_large(bytes, alignment);
}

[[gnu::noinline]] void free_large(void* p) noexcept { shared_heap().free_large(p); }

std::atomic<std::uint64_t>& word_of(const mspan& span, std::size_t slot) noexcept { return span.taken[slot / 64]; }
std::uint64_t bit_of(std::size_t slot) noexcept { return std::uint64_t{1} << slot % 64; }

[[maybe_unused]] void mark_taken(void* p) noexcept {
    const mspan* span = shared_heap().pages.find(reinterpret_cast<std::uintptr_t>(p));
    if (span->state != span_state::slots) return;
    const std::size_t slot = span->slot_index(reinterpret_cast<std::uintptr_t>(p));
    word_of(*span, slot).fetch_or(bit_of(slot), std::memory_order_relaxed);
}

// Ends the program if p is not what allocate() returned for such a size.
[[maybe_unused]] void mark_freed(void* p, std::size_t bytes, std::size_t alignment) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(p);
    const mspan* span = shared_heap().pages.find(address);
    if (!span) fatal_bad_free(p, "it is not in this heap, or its pages are free already");
    if (span->is_free()) fatal_bad_free(p, "its pages are free already");
    if (span->state == span_state::large) {
        if (address != span->lo) fatal_bad_free(p, "it points into a block, not to its start");
        if (has_class(bytes, alignment) || pages_for(bytes) != span->pages)
            fatal_bad_free(p, "it was allocated with another size or alignment");
        return;
    }
    if (!has_class(bytes, alignment) || span->slot_class != class_of(bytes, alignment))
        fatal_bad_free(p, "it was allocated with another size or alignment");
    const std::size_t slot = span->slot_index(address);
    if (address != span->lo + slot * slot_bytes(span->slot_class))
        fatal_bad_free(p, "it points into a block, not to its start");
    if (!(word_of(*span, slot).fetch_and(~bit_of(slot), std::memory_order_relaxed) & bit_of(slot)))
        fatal_bad_free(p, "it is free already");
}

// The common way: every call is the last thing that a function does, so that none needs a frame.

[[gnu::always_inline]] inline void* allocate_unmarked(std::size_t bytes, std::size_t alignment) noexcept {
    if (!has_class(bytes, alignment)) [[unlikely]]
        return allocate_large(bytes, alignment);
    const size_class c = class_of(bytes, alignment);
    void* const p = local.cache.pop(c);
    return p ? p : allocate_slowly(c);
}

[[gnu::always_inline]] inline void free_slot(void* p, size_class c) noexcept {
    if (!local.cache.push(p, c)) [[unlikely]]
        free_slowly(p, c);
}

[[gnu::always_inline]] inline void free_unmarked(void* p, std::size_t bytes, std::size_t alignment) noexcept {
    if (!has_class(bytes, alignment)) [[unlikely]]
        return free_large(p);
    free_slot(p, class_of(bytes, alignment));
}

// A free does more than to give the slot back: AddressSanitizer is told, or the block is overwritten.
constinit bool is_watched = false;
constinit bool is_overwriting = false;

[[gnu::constructor(101)]] void watch_for_sanitizer() noexcept { is_watched = __asan_poison_memory_region != nullptr; }

bool is_plain() noexcept { return !is_checked && !is_watched; }

// For AddressSanitizer, what is free must not be touched, and of a slot no more than was asked for.
void forbid(void* p, std::size_t bytes) noexcept {
    if (__asan_poison_memory_region) __asan_poison_memory_region(p, bytes);
}
void allow(void* p, std::size_t bytes) noexcept {
    if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(p, bytes);
}

class heap_resource final : public std::pmr::memory_resource {
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (void* p = heap::allocate(bytes, alignment)) [[likely]]
            return p;
        throw std::bad_alloc{};
    }
    void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
        heap::deallocate(p, bytes, alignment);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

class tiny_heap_resource final : public std::pmr::memory_resource {
    static bool is_tiny(std::size_t bytes, std::size_t alignment) noexcept {
        return bytes < tiny_block_bytes && alignment <= tiny_block_bytes / 2;
    }
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (!is_tiny(bytes, alignment) || !prepare_local_heap()) return resource()->allocate(bytes, alignment);
        void* p = local.tiny.allocate(bytes, alignment, local.cache, shared_heap());
        if (!p) throw std::bad_alloc{};
        allow(p, bytes);
        return p;
    }
    void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
        // Decided by where it lies: a thread that has ended got a slot of its own for it.
        const mspan* span = shared_heap().pages.find(reinterpret_cast<std::uintptr_t>(p));
        if (!span || span->state != span_state::slots || span->slot_class != tiny_class)
            return resource()->deallocate(p, bytes, alignment);
        forbid(p, bytes);
        if (void* block = tiny_cache::free(p, shared_heap())) free_slot(block, tiny_class);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

[[gnu::noinline]] void* allocate_and_mark(std::size_t bytes, std::size_t alignment) noexcept {
    void* const p = allocate_unmarked(bytes, alignment);
    if (!p) return nullptr;
    if constexpr (is_checked) mark_taken(p);
    allow(p, bytes);
    return p;
}

[[gnu::noinline]] void mark_and_free(void* p, std::size_t bytes, std::size_t alignment) noexcept {
    constexpr int freed_byte = 0xfc;
    if constexpr (is_checked) mark_freed(p, bytes, alignment);
    if (is_overwriting) std::memset(p, freed_byte, bytes);
    forbid(p, bytes);
    free_unmarked(p, bytes, alignment);
}

} // namespace

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
    return is_plain() ? allocate_unmarked(bytes, alignment) : allocate_and_mark(bytes, alignment);
}

void deallocate(void* p, std::size_t bytes, std::size_t alignment) noexcept {
    is_plain() ? free_unmarked(p, bytes, alignment) : mark_and_free(p, bytes, alignment);
}

void overwrite_freed(bool is_on) noexcept {
    is_overwriting = is_on;
    is_watched = is_on || __asan_poison_memory_region;
}

std::pmr::memory_resource* resource() noexcept {
    alignas(heap_resource) static std::byte memory[sizeof(heap_resource)];
    static auto* const instance = ::new (memory)
        heap_resource; // never destroyed: destructors of static objects may free
    return instance;
}

std::pmr::memory_resource* tiny_resource() noexcept {
    alignas(tiny_heap_resource) static std::byte memory[sizeof(tiny_heap_resource)];
    static auto* const instance = ::new (memory) tiny_heap_resource;
    return instance;
}

} // namespace growstack::heap
