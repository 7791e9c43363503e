// The parts under the policies: the relocating copy against its rule, and memory for stacks.
#include "support.hpp"

#include "base/relocate.hpp"
#include "memory/stackalloc.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

using growstack::grow::bounds;
using growstack::grow::displacement;

namespace {

// The rule in words: a word from lo to hi, both included, moves; others stay.
std::uintptr_t expected(std::uintptr_t word, bounds from, std::uintptr_t distance) {
    const bool points_inside = from.lo <= word && word <= from.hi;
    return points_inside ? word + distance : word;
}

// Words at and around both ends, values that a signed comparison gets wrong, and anything.
std::vector<std::uintptr_t> test_words(bounds from, std::size_t count) {
    const std::uintptr_t edges[] = {from.lo - 1,
                                    from.lo,
                                    from.lo + 1,
                                    from.hi - 1,
                                    from.hi,
                                    from.hi + 1,
                                    0,
                                    1,
                                    UINTPTR_MAX,
                                    UINTPTR_MAX / 2,
                                    UINTPTR_MAX / 2 + 1,
                                    (from.lo + from.hi) / 2,
                                    from.lo ^ (std::uintptr_t{1} << 63),
                                    from.hi ^ (std::uintptr_t{1} << 63),
                                    ~from.lo};
    std::vector<std::uintptr_t> words(count);
    std::uintptr_t random = 88172645463325252;
    for (std::size_t i = 0; i < count; ++i) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        words[i] = i % 3 ? edges[random % std::size(edges)] : i % 2 ? random : from.lo + random % (2 * from.bytes());
    }
    return words;
}

} // namespace

TEST_CASE("every kernel re-points exactly the words from lo to hi, the end included") {
    const bounds from{0x7f12'3450'0000, 0x7f12'3451'0000};
    for (const auto& kernel : growstack::grow::relocate_kernels()) {
        if (!kernel.is_supported) {
            std::printf("Skipped: this CPU cannot run the %s kernel.\n", kernel.name);
            continue;
        }
        CAPTURE(kernel.name);
        std::size_t wrong = 0;
        for (const std::uintptr_t distance : {std::uintptr_t{0x10'0000}, -std::uintptr_t{0x7f00'0000'0000}})
            for (std::size_t count = 0; count < 200; ++count)
                for (std::size_t offset = 0; offset < 8; ++offset) { // of the target in its cache line
                    const std::vector<std::uintptr_t> words = test_words(from, count);
                    std::vector<std::uintptr_t> target(count + 16, 0xabcd);
                    kernel.run(target.data() + offset, words.data(), count, {from, distance});
                    for (std::size_t i = 0; i < count; ++i)
                        wrong += target[offset + i] != expected(words[i], from, distance);
                    for (std::size_t i = 0; i < offset; ++i) wrong += target[i] != 0xabcd;
                    for (std::size_t i = offset + count; i < target.size(); ++i) wrong += target[i] != 0xabcd;
                }
        CHECK(wrong == 0);
    }
}

TEST_CASE("every kernel re-points in place, where few words are pointers, or all, and wherever the words begin") {
    const bounds from{0x7f12'3450'0000, 0x7f12'3451'0000};
    const displacement moved{from, 0x10'0000};
    alignas(64) std::uintptr_t target[160];
    for (const auto& kernel : growstack::grow::relocate_kernels()) {
        if (!kernel.is_supported) continue;
        CAPTURE(kernel.name);
        std::size_t wrong = 0;
        for (std::size_t count = 0; count < 140; ++count)
            for (std::size_t one = 0; one <= count; ++one) { // the only pointer; or all of them
                std::vector<std::uintptr_t> words(count, from.hi + 1);
                if (one == count) words = test_words(from, count);
                else words[one] = from.hi;
                const std::size_t first = one % 8 + 1;
                std::fill(std::begin(target), std::end(target), from.lo);
                std::copy(words.begin(), words.end(), target + first);
                kernel.adjust(target + first, count, moved);
                for (std::size_t i = 0; i < count; ++i)
                    wrong += target[first + i] != expected(words[i], from, moved.distance);
                wrong += target[first - 1] != from.lo || target[first + count] != from.lo; // what is beside them stays
                growstack::grow::relocate_in_place(words.data(), count, moved);
                wrong += !std::equal(words.begin(), words.end(), target + first);
            }
        CHECK(wrong == 0);
    }
}

TEST_CASE("one word moves by the same rule") {
    const displacement moved{{1000, 2000}, 500};
    CHECK(moved.apply(999) == 999);
    CHECK(moved.apply(1000) == 1500);
    CHECK(moved.apply(2000) == 2500);
    CHECK(moved.apply(2001) == 2001);
    CHECK(moved.apply(0) == 0);
}

TEST_CASE("stacks come in powers of two from 4 KiB") {
    using growstack::grow::stackalloc_bytes;
    CHECK(stackalloc_bytes(1) == 4096);
    CHECK(stackalloc_bytes(4096) == 4096);
    CHECK(stackalloc_bytes(4097) == 8192);
    CHECK(stackalloc_bytes(100000) == 131072);
}

TEST_CASE("stacks of every size are apart, aligned and usable to both ends") {
    std::vector<bounds> all;
    for (std::size_t bytes = 4096; bytes <= std::size_t{16} << 20; bytes *= 2)
        for (int i = 0; i < 3; ++i) {
            const bounds b = growstack::grow::stackalloc(bytes);
            REQUIRE(b.hi != 0);
            CHECK(b.bytes() == bytes);
            CHECK(b.hi % 4096 == 0);
            *reinterpret_cast<volatile char*>(b.lo) = 1;
            *reinterpret_cast<volatile char*>(b.hi - 1) = 1;
            for (const bounds& other : all) CHECK((b.hi <= other.lo || other.hi <= b.lo));
            all.push_back(b);
        }
    for (const bounds& b : all) growstack::grow::stackfree(b);
}

TEST_CASE("the bytes of a stack's address that a move changes look like no small number and no text") {
    // A char or short written over a byte of what was a pointer into the stack leaves a pointer into the stack only if
    // it is that byte again.
    for (const std::size_t bytes : {4096, 16384, 131072, 1 << 20}) {
        const bounds b = growstack::grow::stackalloc(bytes);
        CAPTURE(bytes);
        CAPTURE(b.lo);
        for (const int byte : {2, 3, 4}) CHECK((b.lo >> 8 * byte & 0xff) >= 0x80);
        growstack::grow::stackfree(b);
    }
}

TEST_CASE("no memory for a stack is an empty answer") {
    CHECK(growstack::grow::stackalloc(std::size_t{1} << 62).hi == 0);
    CHECK(growstack::grow::stackalloc(std::size_t{1} << 47).hi == 0);
}

TEST_CASE("below each stack lies a page that nobody may touch, also when the stack is used again") {
    static growstack::grow::bounds memory;
    for (int i = 0; i < 2; ++i) {
        memory = growstack::grow::stackalloc(16384);
        const auto end = test::run_in_child([] { *reinterpret_cast<volatile char*>(memory.lo - 8) = 1; });
        CHECK(end.signal == SIGSEGV);
        growstack::grow::stackfree(memory);
    }
}

TEST_CASE("below a large stack that page is at most 64 KiB away, wherever the stack lies in its slot") {
    static growstack::grow::bounds memory;
    for (std::uintptr_t page = 0; page < 16; ++page) {
        const bounds from{0, page * 4096};
        memory = growstack::grow::stackalloc_to_move(std::size_t{1} << 20, growstack::stack_layout::guarded, from);
        CHECK(memory.hi % 65536 == from.hi);
        const auto end = test::run_in_child([] {
            for (std::uintptr_t below = 8; below <= 64 * 1024 + 8; below += 4096)
                *reinterpret_cast<volatile char*>(memory.lo - below) = 1;
        });
        CHECK(end.signal == SIGSEGV);
        growstack::grow::stackfree(memory);
    }
}
