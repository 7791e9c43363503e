// Question: where does the memory of a coroutine come from, and what does rounding cost?
//
// You will see the size classes, each with what it can waste; then one block on its way: the thread's mcache has none
// and takes a list of them from the mcentral, which takes a span of pages from the mheap. The next blocks cost none of
// these. When all is freed and scavenged, the pages are the system's again.
//
// Open, in this order: include/growstack/heap/size_class.hpp; src/heap/mspan.hpp, mheap.hpp, mcentral.hpp, mcache.hpp.
//
// Exercise: ask for 70,000 bytes instead of 100. Which levels are left out? (largest_small_bytes says why.)
#include <growstack/growstack.hpp>
#include <growstack/heap/resource.hpp>

#include <cstddef>
#include <cstdio>

namespace {

namespace heap = growstack::heap;

constexpr std::size_t wanted_bytes = 100;

void print_classes() {
    std::puts("slot    span, KiB  wasted by rounding up  by what is left over of a span");
    for (heap::size_class c = 0; c < heap::sized_classes; ++c) {
        const heap::class_waste w = heap::waste_of(c);
        if (c % 13 && c != heap::sized_classes - 1) continue;
        std::printf("%6zu  %9zu  %19.1f %%  %27.1f %%\n", w.slot_bytes, w.span_bytes / 1024,
                    100.0 * static_cast<double>(w.rounding_bytes) / static_cast<double>(w.slot_bytes),
                    100.0 * static_cast<double>(w.left_over_bytes) / static_cast<double>(w.span_bytes));
    }
}

void print_stats(const char* when, const heap::heap_stats& before) {
    const heap::heap_stats now = heap::stats();
    const heap::size_class c = heap::class_of(wanted_bytes, alignof(std::max_align_t));
    std::printf("%-28s in use %6zu, cached %6zu\n", when, now.in_use_bytes[c] - before.in_use_bytes[c],
                now.cached_bytes - before.cached_bytes);
}

} // namespace

int main() {
    print_classes();
    const heap::size_class c = heap::class_of(wanted_bytes, alignof(std::max_align_t));
    std::printf("\n%zu bytes take a slot of %zu, one of %zu in a span\n", wanted_bytes, heap::slot_bytes(c),
                heap::capacity_of(c, heap::span_pages(c)));
    heap::scavenge();
    const heap::heap_stats before = heap::stats();
    print_stats("at first", before);
    void* blocks[1000];
    blocks[0] = heap::allocate(wanted_bytes);
    print_stats("one block", before);
    for (int i = 1; i < 1000; ++i) blocks[i] = heap::allocate(wanted_bytes);
    print_stats("a thousand", before);
    for (void* p : blocks) heap::deallocate(p, wanted_bytes);
    print_stats("all freed", before);
    heap::scavenge();
    print_stats("scavenged", before);
}
