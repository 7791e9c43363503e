// The chunks of one heap lie end to end, and a block reaches over the first word behind its chunk:
//
//      | size + flags | block ... | size + flags | block ... | ...
//
// A sanitizer's allocator says of an address whether a block begins there.
//
// Source: glibc 2.36 malloc/malloc.c ("malloc_chunk details") and malloc/arena.c (heap_info); compiler-rt's
// sanitizer/allocator_interface.h.
#include "observe/audit/malloc_block.hpp"

#include "arch/arch.hpp"
#include "base/modes.hpp"

#include <growstack/detail/config.hpp>

#include <dlfcn.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

extern "C" {
[[gnu::weak]] int __sanitizer_get_ownership(const volatile void* block);
[[gnu::weak]] std::size_t __sanitizer_get_allocated_size(const volatile void* block);
[[gnu::weak]] int __sanitizer_install_malloc_and_free_hooks(void (*after_malloc)(const volatile void*, std::size_t),
                                                            void (*before_free)(const volatile void*));
}

namespace growstack::audit {
namespace {

using detail::page_bytes;

constexpr std::uintptr_t previous_in_use = 1, is_mapped = 2, flags = 7;
constexpr std::size_t word_bytes = 8, header_bytes = 16, smallest_chunk_bytes = 32;
constexpr std::size_t arena_heap_bytes = std::size_t{64} << 20; // HEAP_MAX_SIZE
constexpr std::size_t heap_info_bytes = 0x30, arena_bytes = 0x898;
constexpr int freed_byte = 0xfc;

constinit bool is_glibc = false;
constinit std::uintptr_t cached_mark = 0; // of a block in a thread's cache: its second word

bool is_free_in_cache(bounds block) noexcept { return cached_mark && read_word(block.lo + word_bytes) == cached_mark; }

// From the first chunk of a heap on.
malloc_place find_among_chunks(std::uintptr_t chunk, std::uintptr_t hi, std::uintptr_t address) noexcept {
    word_reader read; // many at a time, for most chunks are small
    while (chunk + smallest_chunk_bytes <= hi) {
        const std::uintptr_t size = read(chunk + word_bytes), next = chunk + (size & ~flags);
        if (next < chunk + smallest_chunk_bytes || next > hi || (size & is_mapped)) return {};
        if (address < next + word_bytes) {
            const bounds block{chunk + header_bytes, next + word_bytes};
            const bool is_in_use = next + header_bytes <= hi && (read(next + word_bytes) & previous_in_use);
            return {block, is_in_use && block.contains(address) && !is_free_in_cache(block)};
        }
        chunk = next;
    }
    return {};
}

// A heap of another arena than the main one: at a multiple of its largest size; the first one of an arena begins with
// that.
malloc_place in_arena_heap(std::uintptr_t address) noexcept {
    const std::uintptr_t lo = address & ~(arena_heap_bytes - 1);
    const std::uintptr_t arena = read_word(lo), bytes = read_word(lo + 2 * word_bytes);
    const bool is_heap = arena && arena % word_bytes == 0 && bytes % page_bytes == 0 && bytes <= arena_heap_bytes;
    if (!is_heap || address >= lo + bytes) return {};
    const bool is_first = arena == lo + heap_info_bytes;
    const std::uintptr_t first = lo + heap_info_bytes + (is_first ? arena_bytes : 0);
    return find_among_chunks((first + header_bytes - 1) & ~(header_bytes - 1), lo + bytes, address);
}

// A block with a mapping of its own. The kernel may have joined it with others.
malloc_place mapped_alone(std::uintptr_t address, const mapping& m) noexcept {
    for (std::uintptr_t page = address & ~(page_bytes - 1); page >= m.memory.lo && page; page -= page_bytes) {
        const std::uintptr_t size = read_word(page + word_bytes);
        if ((size & (page_bytes - 1)) != is_mapped || read_word(page) != 0) continue;
        const bounds block{page + header_bytes, page + (size & ~flags)};
        if (block.hi <= m.memory.hi && block.contains(address)) return {block, true};
        return {};
    }
    return {};
}

constinit bool is_sanitizers = false;
constinit bounds small_blocks; // there its allocator needs no lock to find a block

// ThreadSanitizer says of any address in a block that it is malloc's, AddressSanitizer only where one begins.
std::size_t bytes_of_block_at(std::uintptr_t address) noexcept {
    const void* const block = reinterpret_cast<const void*>(address);
    return __sanitizer_get_ownership(block) ? __sanitizer_get_allocated_size(block) : 0;
}

malloc_place in_sanitizers_block(std::uintptr_t address, const mapping& m, bounds nothing) noexcept {
    const std::uintptr_t lo = (m.memory.lo + header_bytes - 1) & ~(header_bytes - 1);
    std::uintptr_t at = address & ~(header_bytes - 1);
    for (; at >= lo; at -= header_bytes) {
        if (nothing.contains(at)) return {{nothing.lo, address + word_bytes}};
        const std::size_t bytes = bytes_of_block_at(at);
        if (bytes > address - at) return {{at, at + bytes}, true};
        if (bytes) return {{at + bytes, address + word_bytes}};
    }
    return {{lo, address + word_bytes}};
}

void overwrite(const volatile void* block) noexcept {
    const auto lo = reinterpret_cast<std::uintptr_t>(block);
    if (grow::is_auditing()) grow::set_bytes({lo, lo + bytes_of_block_at(lo)}, freed_byte); // memset is the sanitizer's
}

void learn_sanitizers_malloc() noexcept {
    if (is_sanitizers) return;
    is_sanitizers = true;
    constexpr std::uintptr_t region = std::uintptr_t{1}
                                      << 30; // the smallest part of its memory that blocks of one size have
    void* const smallest = std::malloc(1);
    void* const larger = std::malloc(std::size_t{32} << 10);
    small_blocks = {reinterpret_cast<std::uintptr_t>(smallest) & ~(region - 1),
                    reinterpret_cast<std::uintptr_t>(larger)};
    std::free(larger);
    std::free(smallest);
    if (__sanitizer_install_malloc_and_free_hooks)
        __sanitizer_install_malloc_and_free_hooks([](const volatile void*, std::size_t) {}, overwrite);
}

} // namespace

void prepare_malloc_blocks() noexcept {
    if (__sanitizer_get_ownership && __sanitizer_get_allocated_size) return learn_sanitizers_malloc();
    Dl_info of_malloc{}, of_mallopt{};
    const bool is_known = ::dladdr(reinterpret_cast<void*>(&std::malloc), &of_malloc) &&
                          ::dladdr(reinterpret_cast<void*>(&::mallopt), &of_mallopt);
    is_glibc = is_known && of_malloc.dli_fname && std::strstr(of_malloc.dli_fname, "libc.so") &&
               of_malloc.dli_fbase == of_mallopt.dli_fbase;
    if (!is_glibc) return;
    ::mallopt(M_PERTURB, freed_byte); // what goes past the threads' caches
    void* block = std::malloc(3 * word_bytes);
    auto* const words = static_cast<volatile std::uintptr_t*>(block);
    asm("" : "+r"(block)); // the compiler no longer knows that it is the block which is freed
    std::free(block);
    cached_mark = words[1];
}

bool has_malloc_blocks() noexcept { return is_glibc || is_sanitizers; }

malloc_place malloc_block(std::uintptr_t address, const mapping& m, bounds nothing, bool may_wait) noexcept {
    if (is_sanitizers && (may_wait || small_blocks.contains(address))) return in_sanitizers_block(address, m, nothing);
    if (!is_glibc) return {};
    if (m.is_main_heap) return find_among_chunks(m.memory.lo, m.memory.hi, address);
    if (const malloc_place found = in_arena_heap(address); found.memory.hi) return found;
    return mapped_alone(address, m);
}

} // namespace growstack::audit
