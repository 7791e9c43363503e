// Size classes: an object of n bytes takes a slot of the smallest class that holds it.
//
//     up to 128 bytes      every 8 bytes: 8, 16, 24 ... 128                    16 classes
//     above                8 classes to each doubling: 144, 160 ... 256, 288   88 classes, up to 256 KiB
//     tiny                 16 bytes for several objects (tiny.hpp)             1 class
//
// Above 32 KiB a slot is a whole number of pages and a span holds one object.
#pragma once

#include <growstack/heap/page.hpp>

#include <array>
#include <bit>

namespace growstack::heap {

using size_class = unsigned;

inline constexpr std::size_t largest_small_bytes = std::size_t{32} << 10;  // above, a span holds one object
inline constexpr std::size_t largest_class_bytes = std::size_t{256} << 10; // above, no class: pages of the mheap

namespace detail {
inline constexpr std::size_t finest_bytes = 8, last_fine_bytes = 128;
inline constexpr unsigned fine_classes = last_fine_bytes / finest_bytes;
inline constexpr unsigned last_fine_shift = std::countr_zero(last_fine_bytes);
inline constexpr std::size_t common_alignment = 16; // of the slot for any size that is a multiple of it
inline constexpr unsigned classes_per_doubling = 8, doubling_shift = 3;
} // namespace detail

/// Returns the class of an object of 1 to largest_class_bytes bytes.
constexpr size_class class_of(std::size_t bytes) noexcept {
    using namespace detail;
    if (bytes <= last_fine_bytes) return static_cast<size_class>((bytes - 1) / finest_bytes);
    const auto shift = static_cast<unsigned>(std::bit_width(bytes - 1)) - 1; // 2^shift < bytes <= 2^(shift + 1)
    const auto step = static_cast<unsigned>((bytes - 1) >> (shift - doubling_shift)) - classes_per_doubling;
    return fine_classes + (shift - last_fine_shift) * classes_per_doubling + step;
}

/// How many classes are chosen by size; the tiny one is chosen by the program.
inline constexpr size_class sized_classes = class_of(largest_class_bytes) + 1;
inline constexpr size_class tiny_class = sized_classes;
inline constexpr size_class class_count = sized_classes + 1;

inline constexpr std::size_t tiny_block_bytes = 16;
inline constexpr std::size_t tiny_header_bytes = 512; // at the start of a tiny span: a count for each block

/// Returns how many bytes a slot of the class has.
constexpr std::size_t slot_bytes(size_class c) noexcept {
    using namespace detail;
    if (c == tiny_class) return tiny_block_bytes;
    if (c < fine_classes) return (c + 1) * finest_bytes;
    const unsigned doubling = (c - fine_classes) / classes_per_doubling,
                   step = (c - fine_classes) % classes_per_doubling;
    return (last_fine_bytes + (step + 1) * last_fine_bytes / classes_per_doubling) << doubling;
}

namespace detail {
/// The classes of sizes up to 1 KiB: two cache lines, and half the time of the computation.
inline constexpr std::size_t last_listed_bytes = 1024;
inline constexpr auto listed_classes = [] {
    std::array<unsigned char, last_listed_bytes / finest_bytes + 1> classes{};
    classes[0] = class_of(common_alignment); // no bytes, at any common alignment
    for (std::size_t i = 1; i < classes.size(); ++i)
        classes[i] = static_cast<unsigned char>(class_of(i * finest_bytes));
    return classes;
}();
constexpr bool is_listed(std::size_t bytes, std::size_t alignment) noexcept {
    return bytes <= last_listed_bytes && alignment <= common_alignment;
}
} // namespace detail

/// Returns the class of an object with an alignment, a power of two up to page_bytes: slots lie at multiples of their
/// size in a span, which begins at a page.
constexpr size_class class_of(std::size_t bytes, std::size_t alignment) noexcept {
    using namespace detail;
    const std::size_t rounded = (bytes + alignment - 1) & ~(alignment - 1);
    if (is_listed(bytes, alignment)) [[likely]]
        return listed_classes[(rounded + finest_bytes - 1) / finest_bytes];
    size_class c = class_of(rounded ? rounded : alignment);
    if (alignment > common_alignment)
        while (slot_bytes(c) & (alignment - 1)) ++c;
    return c;
}

/// Returns where in a span the first slot lies.
constexpr std::size_t first_slot_offset(size_class c) noexcept { return c == tiny_class ? tiny_header_bytes : 0; }

/// Returns how many slots a span of the class has room for, and how many of its bytes are left over.
constexpr std::size_t capacity_of(size_class c, std::size_t pages) noexcept {
    return (pages * page_bytes - first_slot_offset(c)) / slot_bytes(c);
}
constexpr std::size_t left_over_bytes(size_class c, std::size_t pages) noexcept {
    return pages * page_bytes - capacity_of(c, pages) * slot_bytes(c);
}

/// Returns the pages of a span: eight slots at least, and at most an eighth left over.
constexpr std::size_t span_pages(size_class c) noexcept {
    if (slot_bytes(c) > largest_small_bytes) return pages_for(slot_bytes(c));
    constexpr std::size_t fewest_slots = 8, fewest_pages = 2, most_left_over = 8; // an eighth
    std::size_t pages = pages_for(fewest_slots * slot_bytes(c));
    if (pages < fewest_pages) pages = fewest_pages;
    while (left_over_bytes(c, pages) * most_left_over > pages * page_bytes) ++pages;
    return pages;
}

/// Where a class wastes memory, in bytes.
struct class_waste {
    std::size_t slot_bytes;
    std::size_t span_bytes;
    std::size_t left_over_bytes; // of a span, after its last slot
    std::size_t rounding_bytes;  // of a slot, by the smallest object of the class
};

constexpr class_waste waste_of(size_class c) noexcept {
    const std::size_t below = c ? slot_bytes(c - 1) : 0;
    return {slot_bytes(c), span_pages(c) * page_bytes, left_over_bytes(c, span_pages(c)), slot_bytes(c) - below - 1};
}

namespace detail {
constexpr bool is_consistent() noexcept {
    for (size_class c = 0; c < sized_classes; ++c) {
        const class_waste w = waste_of(c);
        if (class_of(w.slot_bytes) != c || class_of(w.slot_bytes - w.rounding_bytes) != c) return false;
        if (w.left_over_bytes * 8 > w.span_bytes) return false;
        // Below 56 bytes the alignment of 8 alone costs more.
        if (w.slot_bytes >= 56 && w.rounding_bytes * 8 > w.slot_bytes) return false;
    }
    return slot_bytes(sized_classes - 1) == largest_class_bytes;
}
static_assert(is_consistent(), "at most 12.5 % of a span and of a slot are wasted");
} // namespace detail

} // namespace growstack::heap
