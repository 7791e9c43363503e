// For the tests of the heap: heaps of their own on a system that counts, and that fails where a test wants it to.
#pragma once

#include <growstack/heap/resource.hpp>
#include "heap/mcache.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <map>
#include <memory>

namespace test {

/// What the counting source has given and not got back. One at a time.
struct system_books {
    std::map<std::uintptr_t, std::size_t> reserved;
    std::size_t reservations = 0;
    std::size_t decommitted_bytes = 0;
    std::size_t fail_at = 0; // this reservation, and those after it, fail; 0: none

    std::size_t reserved_bytes() const {
        std::size_t sum = 0;
        for (const auto& [lo, bytes] : reserved) sum += bytes;
        return sum;
    }
};

extern system_books books;

/// A system whose books are new.
growstack::heap::page_source counting_source();

/// A heap on it, with arenas of 1 MiB, and a thread's cache of it.
struct counted_heap {
    explicit counted_heap(std::size_t most_idle_bytes = SIZE_MAX);
    ~counted_heap();

    void* allocate(std::size_t bytes, std::size_t alignment = 8);
    void free(void* p, std::size_t bytes, std::size_t alignment = 8);

    std::unique_ptr<growstack::heap::span_heap> heap; // 1 MiB of it is the page map's root
    growstack::heap::mcache cache;
};

/// Random numbers, the same for the same seed.
class random {
public:
    explicit random(std::uint64_t seed) : state_{seed * 2 + 1} {}
    std::uint64_t operator()() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_;
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>((*this)() % n); }

private:
    std::uint64_t state_;
};

/// Allocates and frees at random, `steps` times, and compares with a plain map: alignment, no overlap, contents kept.
/// allocate(bytes, alignment), free(p, bytes, alignment), check(): any callables.
template <class Allocate, class Free, class Check>
void run_against_model(std::uint64_t seed, int steps, Allocate allocate, Free free, Check check) {
    struct block {
        std::size_t bytes, alignment;
        unsigned char pattern;
    };
    std::map<std::uintptr_t, block> model;
    random next{seed};

    const auto free_one = [&](auto found) {
        auto* const p = reinterpret_cast<unsigned char*>(found->first);
        const auto [bytes, alignment, pattern] = found->second;
        bool is_kept = true;
        for (std::size_t i = 0; i < bytes; i += bytes > 64 ? 61 : 1) is_kept = is_kept && p[i] == pattern;
        if (bytes) is_kept = is_kept && p[bytes - 1] == pattern;
        CHECK(is_kept);
        free(p, bytes, alignment);
        model.erase(found);
    };
    for (int step = 0; step < steps; ++step) {
        if (model.size() > 500 || (!model.empty() && next.below(5) < 2)) {
            auto found = model.lower_bound(reinterpret_cast<std::uintptr_t>(model.begin()->first) +
                                           next.below(model.rbegin()->first - model.begin()->first + 1));
            free_one(found == model.end() ? model.begin() : found);
            continue;
        }
        const std::size_t magnitude = std::size_t{1} << next.below(20);
        const std::size_t bytes = next.below(magnitude + 1);
        const std::size_t alignment = std::size_t{1} << next.below(next.below(10) == 0 ? 17 : 7);
        auto* const p = static_cast<unsigned char*>(allocate(bytes, alignment));
        REQUIRE(p != nullptr);
        const auto lo = reinterpret_cast<std::uintptr_t>(p);
        CHECK(lo % alignment == 0);
        const auto above = model.lower_bound(lo);
        const bool is_apart = (above == model.end() || lo + bytes <= above->first) &&
                              (above == model.begin() ||
                               std::prev(above)->first + std::prev(above)->second.bytes <= lo);
        CHECK(is_apart);
        const auto pattern = static_cast<unsigned char>(next());
        for (std::size_t i = 0; i < bytes; ++i) p[i] = pattern;
        model[lo] = {bytes, alignment, pattern};
        if (step % 1000 == 0) check();
    }
    while (!model.empty()) free_one(model.begin());
    check();
}

} // namespace test
