// Large frames, allocas and deep recursion in code without checks.
#include "grow.hpp"

#include <alloca.h>

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace {

// Reads back what was written: each byte of `space` tells its place.
[[gnu::noinline]] void fill(volatile unsigned char* space, std::size_t bytes, unsigned seed) {
    for (std::size_t i = 0; i < bytes; ++i) space[i] = static_cast<unsigned char>(i * 7 + seed);
}

[[gnu::noinline]] bool is_filled(const volatile unsigned char* space, std::size_t bytes, unsigned seed) {
    for (std::size_t i = 0; i < bytes; ++i)
        if (space[i] != static_cast<unsigned char>(i * 7 + seed)) return false;
    return true;
}

// A frame of `bytes`, filled and read in line, without a call: the first touch of the array may be the one that faults,
// upwards from its low end or downwards from its high end.
template <std::size_t bytes, bool upwards>
[[gnu::noinline]] unsigned leaf_sum(unsigned seed) {
    unsigned words[bytes / sizeof(unsigned)];
    constexpr std::size_t count = bytes / sizeof(unsigned);
    if (upwards)
        for (std::size_t i = 0; i < count; ++i) words[i] = seed + static_cast<unsigned>(i);
    else
        for (std::size_t i = count; i-- > 0;) words[i] = seed + static_cast<unsigned>(i);
    guard::opaque(words);
    unsigned sum = 0;
    for (unsigned w : words) sum += w;
    return sum;
}

template <std::size_t bytes>
bool leaf_sums_are_right() {
    constexpr unsigned count = bytes / sizeof(unsigned);
    constexpr unsigned expected = 3 * count + static_cast<unsigned>(std::size_t{count} * (count - 1) / 2);
    return leaf_sum<bytes, true>(3) == expected && leaf_sum<bytes, false>(3) == expected;
}

template <std::size_t bytes>
[[gnu::noinline]] bool has_large_frame(int depth) {
    unsigned char space[bytes];
    fill(space, bytes, static_cast<unsigned>(depth));
    const bool is_right_below = depth == 0 || has_large_frame<bytes>(depth - 1);
    return is_filled(space, bytes, static_cast<unsigned>(depth)) && is_right_below;
}

// All of them stay allocated until it returns; each is linked to the one before by a pointer on the stack.
struct link {
    link* older;
    std::size_t bytes;
    unsigned seed;
};

[[gnu::noinline]] bool is_chain_right(link* newest, unsigned count) {
    for (link* l = newest; l; l = l->older, --count)
        if (l->seed != count - 1 ||
            !is_filled(reinterpret_cast<unsigned char*>(l + 1), l->bytes - sizeof(link), l->seed))
            return false;
    return count == 0;
}

[[gnu::noinline]] bool allocates_in_a_loop(std::size_t bytes, unsigned times) {
    link* newest = nullptr;
    for (unsigned i = 0; i < times; ++i) {
        auto* const l = static_cast<link*>(alloca(bytes));
        l->older = newest;
        l->bytes = bytes;
        l->seed = i;
        fill(reinterpret_cast<unsigned char*>(l + 1), bytes - sizeof(link), i);
        newest = l;
    }
    return is_chain_right(newest, times);
}

// The alloca's space is touched in line, at its low end first.
[[gnu::noinline]] unsigned alloca_and_sum(std::size_t words) {
    auto* const space = static_cast<unsigned*>(alloca(words * sizeof(unsigned)));
    for (std::size_t i = 0; i < words; ++i) space[i] = static_cast<unsigned>(i);
    guard::opaque(space);
    unsigned sum = 0;
    for (std::size_t i = 0; i < words; ++i) sum += space[i];
    return sum;
}

template <std::size_t bytes>
struct block {
    unsigned char content[bytes];
};

template <std::size_t bytes>
[[gnu::noinline]] bool takes_by_value(block<bytes> b, int depth) {
    if (depth == 0) return is_filled(b.content, bytes, 5);
    return takes_by_value(b, depth - 1) && is_filled(b.content, bytes, 5);
}

[[gnu::noinline]] std::size_t recurse_to(std::size_t levels, std::size_t* above) {
    std::size_t here = levels;
    guard::opaque(&here);
    if (above && *above != levels + 1) return 0;
    const std::size_t below = levels ? recurse_to(levels - 1, &here) : 0;
    guard::opaque(&here);
    return here == levels ? below + 1 : 0;
}

[[gnu::noinline]] bool moves_memory_between_heap_and_stack(std::size_t bytes) {
    std::vector<unsigned char> heap(bytes), back(bytes);
    fill(heap.data(), bytes, 9);
    auto* const local = static_cast<unsigned char*>(alloca(bytes));
    std::memmove(local, heap.data(), bytes);
    std::memmove(local + 1, local, bytes - 1);
    std::memmove(local, local + 1, bytes - 1);
    local[bytes - 1] = heap[bytes - 1];
    std::memcpy(back.data(), local, bytes);
    return back == heap;
}

#ifdef GUARD_CLASH // code with probes: allocas and frames of any size
constexpr std::size_t alloca_sizes[] = {100, 1000, 4000, 4096, 4097, 5000, 9000, 20'000, 65'536, 100'000, 300'000};
constexpr bool has_probes = true;
#else
constexpr std::size_t alloca_sizes[] = {100, 1000, 4000, 4096, 4097, 5000, 9000, 15'000};
constexpr bool has_probes = false;
#endif

} // namespace

// Runs `f` in a coroutine of that kind.
template <class Kind, class F>
bool is_right(F f) {
    return guard::is_right_in_child([&] {
        bool right = false;
        test::run<Kind>([&] { right = f(); });
        return right;
    });
}

TEST_CASE_TEMPLATE("frames of 1 to 15 KiB are accessible wherever they begin", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    CHECK(is_right<Kind>([] { return has_large_frame<1024>(100); }));
    CHECK(is_right<Kind>([] { return has_large_frame<4096>(100); }));
    CHECK(is_right<Kind>([] { return has_large_frame<10'000>(50); }));
    CHECK(is_right<Kind>([] { return has_large_frame<15'000>(50); }));
}

TEST_CASE_TEMPLATE("a frame of 40 KiB is accessible where the room is unused", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    CHECK(is_right<Kind>([] { return has_large_frame<40'000>(0); }));
    CHECK(is_right<Kind>([] { return leaf_sums_are_right<40'000>(); }));
}

TEST_CASE("leaf functions with frames of 1 to 15 KiB run at every place of a stack") {
    CHECK(guard::is_right_everywhere([] { return leaf_sums_are_right<1024>(); }));
    CHECK(guard::is_right_everywhere([] { return leaf_sums_are_right<15'000>(); }));
}

TEST_CASE_TEMPLATE("frames of up to 1 MiB are accessible where code is compiled with probes" *
                       doctest::skip(!has_probes),
                   Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    CHECK(is_right<Kind>([] { return has_large_frame<40'000>(50); }));
    CHECK(is_right<Kind>([] { return has_large_frame<70'000>(20); }));
    CHECK(is_right<Kind>([] { return has_large_frame<300'000>(5); }));
    CHECK(is_right<Kind>([] { return has_large_frame<1 << 20>(2); }));
    CHECK(is_right<Kind>([] { return leaf_sums_are_right<70'000>(); }));
    CHECK(is_right<Kind>([] { return leaf_sums_are_right<300'000>(); }));
    CHECK(is_right<Kind>([] { return leaf_sums_are_right<1 << 20>(); }));
}

TEST_CASE_TEMPLATE("allocas in a loop keep their contents and the pointers between them", Kind,
                   GROWSTACK_SMALL_AND_LARGE_KINDS) {
    for (const std::size_t bytes : alloca_sizes) {
        CAPTURE(bytes);
        CHECK(is_right<Kind>([&] { return allocates_in_a_loop(bytes, bytes < 50'000 ? 60 : 20); }));
    }
}

TEST_CASE("allocas of any size run at every place of a stack") {
    for (const std::size_t bytes : alloca_sizes) {
        CAPTURE(bytes);
        CHECK(guard::is_right_everywhere([&] { return allocates_in_a_loop(bytes, 3); }));
    }
}

TEST_CASE("an alloca that is touched without a call runs at every place of a stack") {
    for (const std::size_t bytes : alloca_sizes) {
        CAPTURE(bytes);
        const std::size_t words = bytes / sizeof(unsigned);
        CHECK(guard::is_right_everywhere(
            [&] { return alloca_and_sum(words) == static_cast<unsigned>(words * (words - 1) / 2); }));
    }
}

// Arguments have no probes, whatever the flags.
TEST_CASE_TEMPLATE("large arguments by value arrive, and stay", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    const auto passes = [](auto b, int depth) {
        fill(b.content, sizeof b.content, 5);
        return is_right<Kind>([&] { return takes_by_value(b, depth); });
    };
    CHECK(passes(block<500>{}, 100));
    CHECK(passes(block<5000>{}, 40));
    CHECK(passes(block<7000>{}, 20));
}

TEST_CASE("large arguments by value run at every place of a stack") {
    static block<3000> b;
    fill(b.content, sizeof b.content, 5);
    CHECK(guard::is_right_everywhere([] { return takes_by_value(b, 1); }));
}

TEST_CASE("memmove between heap and stack runs at every place of a stack") {
    for (const std::size_t bytes : {300u, 3000u, 12'000u}) {
        CAPTURE(bytes);
        CHECK(guard::is_right_everywhere([&] { return moves_memory_between_heap_and_stack(bytes); }));
    }
}

TEST_CASE("a contiguous stack follows recursion of 1 to 64 MiB, and pointers to locals follow the stack") {
    for (const std::size_t mebibytes : {1u, 8u, 64u}) {
        const std::size_t levels = mebibytes << 20 >> 6; // frames are of 64 bytes, about
        std::size_t reached = 0;
        const auto stats = test::run<test::smallest_contiguous>([&] { reached = recurse_to(levels, nullptr); });
        CHECK(reached == levels + 1);
        CHECK(stats.moves >= 2);
        CHECK(stats.peak_stack_bytes >= mebibytes << 19);
    }
}
