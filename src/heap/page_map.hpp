// From an address to its span, in constant time and without a lock: two levels, as the upper levels of a page table.
//
//     address   | 17 bits: root | 18 bits: leaf | 12 bits: within the page |
//
// The root is 1 MiB of zeros, a leaf 2 MiB for each GiB that spans lie in; the system gives memory to the parts in use.
// That is why they come from the page source, and nobody constructs them: that would touch it all.
#pragma once

#include "heap/mspan.hpp"

#include <growstack/detail/arch.hpp>

#include <array>

namespace growstack::heap {

class page_map {
public:
    /// Returns the span whose page `address` lies in; null: none. Any thread; the answer holds while the span is in
    /// use.
    mspan* find(std::uintptr_t address) const noexcept {
        const root* const r = root_.load(std::memory_order_acquire);
        if (!r || address >> address_bits) return nullptr;
        const leaf* const l = (*r)[address >> (page_shift + leaf_bits)].load(std::memory_order_acquire);
        return l ? (*l)[address >> page_shift & (leaf_entries - 1)].load(std::memory_order_relaxed) : nullptr;
    }

    /// Makes entries for an address range, for set(). Returns false if there is no memory for them.
    bool cover(std::uintptr_t lo, std::size_t bytes, const page_source& source) noexcept;

    /// Notes that the pages belong to `span`. They are covered.
    void set(std::uintptr_t lo, std::size_t pages, mspan* span) noexcept {
        for (std::size_t i = 0; i < pages; ++i) entry(lo + i * page_bytes).store(span, std::memory_order_relaxed);
    }

    /// Gives the leaves back.
    void release(const page_source& source) noexcept;

private:
    static constexpr unsigned address_bits = growstack::detail::address_bits, leaf_bits = 18;
    static constexpr std::size_t leaf_entries = std::size_t{1} << leaf_bits;
    using leaf = std::array<std::atomic<mspan*>, leaf_entries>;
    using root = std::array<std::atomic<leaf*>, std::size_t{1} << (address_bits - page_shift - leaf_bits)>;

    std::atomic<mspan*>& entry(std::uintptr_t address) noexcept {
        leaf* const l = (*root_.load(std::memory_order_relaxed))[address >> (page_shift + leaf_bits)].load(
            std::memory_order_relaxed);
        return (*l)[address >> page_shift & (leaf_entries - 1)];
    }

    std::atomic<root*> root_{nullptr};
};

} // namespace growstack::heap
