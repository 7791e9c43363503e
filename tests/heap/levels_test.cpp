// The heap's levels on a system of the test's.
#include "support.hpp"

#include <vector>

using namespace growstack::heap;

TEST_CASE("every size and alignment has a slot that fits") {
    for (std::size_t alignment = 1; alignment <= page_bytes; alignment *= 2)
        for (std::size_t bytes = 0; bytes <= largest_class_bytes; bytes += bytes < 4096 ? 1 : 509) {
            const size_class c = class_of(bytes, alignment);
            const bool fits = c < sized_classes && slot_bytes(c) >= bytes && slot_bytes(c) % alignment == 0;
            if (!fits) FAIL(bytes << " bytes at " << alignment);
        }
}

TEST_CASE("classes grow by an eighth at most, and spans waste an eighth at most") {
    for (size_class c = 0; c < sized_classes; ++c) {
        const class_waste w = waste_of(c);
        INFO("class " << c << ": " << w.slot_bytes << " bytes, spans of " << w.span_bytes << ", " << w.left_over_bytes
                      << " left over, rounding " << w.rounding_bytes);
        CHECK(w.left_over_bytes * 8 <= w.span_bytes);
        if (w.slot_bytes >= 56) CHECK(w.rounding_bytes * 8 <= w.slot_bytes);
    }
}

TEST_CASE("a random program sees what a plain map says") {
    for (const std::uint64_t seed : {1, 2, 3, 4}) {
        test::counted_heap h{seed % 2 ? SIZE_MAX : std::size_t{1} << 20};
        test::run_against_model(
            seed, 20'000, [&](std::size_t n, std::size_t a) { return h.allocate(n, a); },
            [&](void* p, std::size_t n, std::size_t a) { h.free(p, n, a); }, [&] { h.heap->check_invariants(); });
    }
}

TEST_CASE("every reservation may fail: nothing is lost, and the heap goes on") {
    for (std::size_t fail_at = 1;; ++fail_at) {
        bool has_failed = false;
        {
            test::counted_heap h;
            test::books.fail_at = fail_at;
            std::vector<std::pair<void*, std::size_t>> blocks;
            for (const std::size_t bytes : {8, 100, 5000, 70'000, 300'000, 3'000'000, 8, 100, 5000, 2'000'000}) {
                void* const p = h.allocate(bytes);
                if (p) blocks.emplace_back(p, bytes);
                else has_failed = true;
                h.heap->check_invariants();
            }
            test::books.fail_at = 0;
            void* const p = h.allocate(1000);
            CHECK(p != nullptr);
            h.free(p, 1000);
            for (const auto& [block, bytes] : blocks) h.free(block, bytes);
        }
        if (!has_failed) {
            CHECK(fail_at > 4);
            break;
        }
    }
}

TEST_CASE("the smallest run that fits is taken, and neighbours are joined") {
    test::counted_heap h;
    mheap& pages = h.heap->pages;
    mspan* const a = pages.allocate(10, span_state::large);
    mspan* const fence1 = pages.allocate(1, span_state::large);
    mspan* const b = pages.allocate(5, span_state::large);
    mspan* const fence2 = pages.allocate(1, span_state::large);
    const std::uintptr_t at_a = a->lo, at_b = b->lo;
    pages.free(a);
    pages.free(b);
    mspan* const four = pages.allocate(4, span_state::large);
    CHECK(four->lo == at_b);
    mspan* const six = pages.allocate(6, span_state::large);
    CHECK(six->lo == at_a);
    pages.check_invariants();
    pages.free(four);
    pages.free(six);
    pages.free(fence1);
    mspan* const sixteen = pages.allocate(16, span_state::large);
    CHECK(sixteen->lo == at_a);
    pages.free(sixteen);
    pages.free(fence2);
    pages.check_invariants();
    CHECK(pages.stats().in_use_bytes == 0);
}

TEST_CASE("runs with and without memory are joined when nothing else fits") {
    test::counted_heap h;
    mheap& pages = h.heap->pages;
    mspan* const a = pages.allocate(100, span_state::large);
    mspan* const b = pages.allocate(156, span_state::large); // the rest of the first arena
    pages.free(a);
    pages.scavenge();
    pages.free(b);
    const std::size_t before = test::books.reserved.size();
    mspan* const whole = pages.allocate(256, span_state::large);
    REQUIRE(whole);
    CHECK(test::books.reserved.size() == before);
    pages.free(whole);
}

TEST_CASE("idle pages go back by call, and above a threshold") {
    {
        test::counted_heap h;
        void* const p = h.allocate(600'000);
        h.free(p, 600'000);
        CHECK(h.heap->pages.stats().idle_bytes >= 600'000);
        CHECK(h.heap->pages.scavenge(100'000) >= 500'000);
        CHECK(h.heap->pages.stats().idle_bytes <= 100'000);
        CHECK(test::books.decommitted_bytes >= 500'000);
    }
    test::counted_heap h{std::size_t{400} << 10};
    std::vector<void*> blocks;
    for (int i = 0; i < 6; ++i) blocks.push_back(h.allocate(300'000));
    for (void* p : blocks) h.free(p, 300'000);
    CHECK(h.heap->pages.stats().idle_bytes <= std::size_t{400} << 10);
    const page_stats s = h.heap->pages.stats();
    CHECK(s.in_use_bytes + s.idle_bytes + s.returned_bytes <= test::books.reserved_bytes());
}

TEST_CASE("aligned runs lie at multiples of their alignment") {
    test::counted_heap h;
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (std::size_t alignment = 8192; alignment <= (1 << 20); alignment *= 2) {
        void* const p = h.allocate(10, alignment);
        CHECK(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
        blocks.emplace_back(p, alignment);
        h.heap->check_invariants();
    }
    for (const auto& [p, alignment] : blocks) h.free(p, 10, alignment);
}

TEST_CASE("sizes beyond the address space get nothing") {
    test::counted_heap h;
    for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX / 2, std::size_t{1} << 48})
        CHECK(h.heap->allocate_large(bytes, 8) == nullptr);
    CHECK(h.heap->allocate_large(8, std::size_t{1} << 62) == nullptr);
    h.heap->check_invariants();
}

TEST_CASE("another thread's cache frees what this one allocated") {
    test::counted_heap h;
    mcache other;
    other.start();
    for (int round = 0; round < 20; ++round) {
        std::vector<void*> blocks;
        for (int i = 0; i < 3000; ++i) blocks.push_back(h.allocate(64));
        for (void* p : blocks) other.free(p, class_of(64), *h.heap);
    }
    h.heap->check_invariants();
    CHECK(h.heap->pages.stats().in_use_bytes < 1 << 20); // they come back to be used again
    other.stop(*h.heap);
}
