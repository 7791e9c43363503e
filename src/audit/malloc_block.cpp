// The chunks of one heap lie end to end:
//
//      | size + flags | block ... | size + flags | block ... |  top          a block reaches over the first word behind its chunk
//
// Source: glibc 2.36 malloc/malloc.c ("malloc_chunk details") and malloc/arena.c (heap_info).
#include "malloc_block.hpp"

#include <growstack/detail/config.hpp>

#include <dlfcn.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>

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
malloc_place walk(std::uintptr_t chunk, std::uintptr_t hi, std::uintptr_t address) noexcept {
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

// A heap of another arena than the main one: at a multiple of its largest size; the first one of an arena begins with that.
malloc_place in_arena_heap(std::uintptr_t address) noexcept {
    const std::uintptr_t lo = address & ~(arena_heap_bytes - 1);
    const std::uintptr_t arena = read_word(lo), bytes = read_word(lo + 2 * word_bytes);
    const bool is_heap = arena && arena % word_bytes == 0 && bytes % page_bytes == 0 && bytes <= arena_heap_bytes;
    if (!is_heap || address >= lo + bytes) return {};
    const bool is_first = arena == lo + heap_info_bytes;
    const std::uintptr_t first = lo + heap_info_bytes + (is_first ? arena_bytes : 0);
    return walk((first + header_bytes - 1) & ~(header_bytes - 1), lo + bytes, address);
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

} // namespace

void prepare_malloc_blocks() noexcept {
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

bool has_malloc_blocks() noexcept { return is_glibc; }

malloc_place malloc_block(std::uintptr_t address, const mapping& m) noexcept {
    if (!is_glibc) return {};
    if (m.is_main_heap) return walk(m.memory.lo, m.memory.hi, address);
    if (const malloc_place found = in_arena_heap(address); found.memory.hi) return found;
    return mapped_alone(address, m);
}

} // namespace growstack::audit
