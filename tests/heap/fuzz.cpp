// A fuzz target for libFuzzer: bytes are operations on a heap of their own, on a system that fails where the bytes say,
// and on the process's heap; a plain map knows what must be. tests/heap/fuzz.sh builds and runs it.
#include <growstack/heap/resource.hpp>
#include "heap/mcache.hpp"
#include "heap/tiny.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

namespace {

using namespace growstack;

void require(bool is_so, const char* what) {
    if (is_so) return;
    std::fprintf(stderr, "fuzz: %s\n", what);
    std::abort();
}

int reservations_left; // after so many, the system has no memory

heap::page_source failing_system() {
    static const heap::page_source system = heap::system_pages();
    return {.reserve = [](std::size_t bytes) noexcept { return reservations_left-- > 0 ? system.reserve(bytes) : 0; },
            .release = system.release,
            .decommit = system.decommit};
}

// What can be allocated from.
class own_heap {
public:
    own_heap()
        : heap_{std::make_unique<heap::span_heap>(failing_system(), std::size_t{1} << 20, std::size_t{1} << 20)} {
        cache_.start();
    }
    ~own_heap() {
        tiny_.flush(cache_, *heap_);
        cache_.stop(*heap_);
        heap_->scavenge();
        check();
        require(heap_->pages.stats().in_use_bytes == 0, "pages are in use after the last free");
    }
    void* allocate(std::size_t bytes, std::size_t alignment) {
        if (bytes > heap::largest_class_bytes || alignment > heap::page_bytes)
            return heap_->allocate_large(bytes ? bytes : 1, alignment);
        return cache_.allocate(heap::class_of(bytes, alignment), *heap_);
    }
    void free(void* p, std::size_t bytes, std::size_t alignment) {
        if (bytes > heap::largest_class_bytes || alignment > heap::page_bytes) heap_->free_large(p);
        else cache_.free(p, heap::class_of(bytes, alignment), *heap_);
    }
    void* allocate_tiny(std::size_t bytes, std::size_t alignment) {
        return tiny_.allocate(bytes, alignment, cache_, *heap_);
    }
    void free_tiny(void* p, std::size_t, std::size_t) {
        if (void* block = heap::tiny_cache::free(p, *heap_)) cache_.free(block, heap::tiny_class, *heap_);
    }
    void scavenge() {
        cache_.flush(*heap_);
        heap_->scavenge();
    }
    void check() { heap_->check_invariants(); }

private:
    std::unique_ptr<heap::span_heap> heap_;
    heap::mcache cache_;
    heap::tiny_cache tiny_;
};

class process_heap {
public:
    void* allocate(std::size_t bytes, std::size_t alignment) { return heap::allocate(bytes, alignment); }
    void free(void* p, std::size_t bytes, std::size_t alignment) { heap::deallocate(p, bytes, alignment); }
    void* allocate_tiny(std::size_t bytes, std::size_t alignment) {
        return heap::tiny_resource()->allocate(bytes, alignment);
    }
    void free_tiny(void* p, std::size_t bytes, std::size_t alignment) {
        heap::tiny_resource()->deallocate(p, bytes, alignment);
    }
    void scavenge() { heap::scavenge(); }
    void check() { heap::check_invariants(); }
};

class input {
public:
    input(const std::uint8_t* data, std::size_t size) : next_{data}, end_{data + size} {}
    bool is_empty() const { return next_ == end_; }
    std::uint8_t byte() { return is_empty() ? 0 : *next_++; }

private:
    const std::uint8_t* next_;
    const std::uint8_t* end_;
};

struct block {
    std::size_t bytes, alignment;
    std::uint8_t content;
    bool is_tiny;
};
using model = std::map<std::uintptr_t, block>;

template <class Heap>
void allocate(Heap& heap, model& blocks, input& in) {
    constexpr std::size_t most_blocks = 2000, most_alignment_shift = 16;
    if (blocks.size() == most_blocks) return;
    const std::uint8_t kind = in.byte();
    block b{.bytes = 0, .alignment = 1, .content = in.byte(), .is_tiny = kind % 4 == 0};
    if (b.is_tiny) {
        b.bytes = in.byte() % heap::tiny_block_bytes;
        b.alignment = std::size_t{1} << kind / 4 % 4;
    } else {
        const unsigned shift = in.byte() % 21;
        b.bytes = (std::size_t{in.byte()} << 8 | in.byte()) % ((std::size_t{1} << shift) + 1)
                  << (shift > 16 ? shift - 16 : 0);
        b.alignment = std::size_t{1} << (kind / 4 < 60 ? kind / 4 % 5 : kind / 4 % (most_alignment_shift + 1));
    }
    void* const p = b.is_tiny ? heap.allocate_tiny(b.bytes, b.alignment) : heap.allocate(b.bytes, b.alignment);
    if (!p) return; // the system has failed
    const auto lo = reinterpret_cast<std::uintptr_t>(p);
    require(lo % b.alignment == 0, "a block is not aligned");
    const auto above = blocks.lower_bound(lo);
    require(above == blocks.end() || (above->first != lo && lo + b.bytes <= above->first),
            "a block overlaps the one above");
    if (above != blocks.begin())
        require(std::prev(above)->first + std::prev(above)->second.bytes <= lo, "a block overlaps the one below");
    std::memset(p, b.content, b.bytes);
    blocks[lo] = b;
}

template <class Heap>
void free(Heap& heap, model& blocks, model::iterator which) {
    auto* const p = reinterpret_cast<unsigned char*>(which->first);
    const block b = which->second;
    for (std::size_t i = 0; i < b.bytes; ++i) require(p[i] == b.content, "a block's content has changed");
    if (b.is_tiny) heap.free_tiny(p, b.bytes, b.alignment);
    else heap.free(p, b.bytes, b.alignment);
    blocks.erase(which);
}

// The first block at or above a place chosen by two bytes.
model::iterator chosen(model& blocks, input& in) {
    const std::uintptr_t lo = blocks.begin()->first, span = blocks.rbegin()->first - lo;
    const std::uint64_t part = std::uint64_t{in.byte()} << 8 | in.byte();
    return blocks.lower_bound(
        lo + static_cast<std::uintptr_t>(static_cast<double>(span) * static_cast<double>(part) / 65535.0));
}

template <class Heap>
void run(Heap& heap, input& in) {
    model blocks;
    while (!in.is_empty()) {
        const std::uint8_t operation = in.byte();
        if (operation < 128 || blocks.empty()) allocate(heap, blocks, in);
        else if (operation < 224) free(heap, blocks, chosen(blocks, in));
        else if (operation < 240)
            while (blocks.size() > operation) free(heap, blocks, blocks.begin());
        else if (operation < 248) heap.scavenge();
        else heap.check();
    }
    while (!blocks.empty()) free(heap, blocks, std::prev(blocks.end()));
    heap.check();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in{data, size};
    const std::uint8_t which = in.byte();
    if (which % 8 == 0) {
        process_heap heap;
        run(heap, in);
        return 0;
    }
    reservations_left = which < 128 ? which / 8 : 1000;
    own_heap heap;
    run(heap, in);
    return 0;
}
