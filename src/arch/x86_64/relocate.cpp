// The relocating copy's kernels. Each reads a word w and writes w - lo <= hi - lo ? w + distance : w, unsigned.
// The displacement comes by reference: by value, on the stack, it costs a store-forwarding stall, 5 ns on Zen 4.
#include "base/relocate.hpp"

#include <growstack/detail/arch.hpp>

#include <immintrin.h>

#include <utility>

// Width of the vector registers that growstack_save_vectors saves: 0 xmm, 1 ymm, 2 zmm.
extern "C" {
[[gnu::visibility("hidden")]] unsigned char growstack_vector_level = 0;
}

namespace growstack::grow {
namespace {

void relocate_scalar(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words,
                     const displacement& moved) noexcept {
    for (std::size_t i = 0; i < words; ++i) to[i] = moved.apply(from[i]);
}

// AVX2 compares signed: flip the sign bit of both sides.
[[gnu::target("avx2")]] void relocate_avx2(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words,
                                           const displacement& moved) noexcept {
    const std::uintptr_t sign = std::uintptr_t{1} << 63;
    const __m256i bias = _mm256_set1_epi64x(static_cast<long long>(moved.from.lo + sign)); // w - lo, sign flipped
    const __m256i span = _mm256_set1_epi64x(static_cast<long long>((moved.from.hi - moved.from.lo) ^ sign));
    const __m256i distance = _mm256_set1_epi64x(static_cast<long long>(moved.distance));
    const auto copy_half_line = [&](std::size_t k) __attribute__((target("avx2"), always_inline)) {
        const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + k));
        const __m256i is_outside = _mm256_cmpgt_epi64(_mm256_sub_epi64(w, bias), span);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + k),
                            _mm256_add_epi64(w, _mm256_andnot_si256(is_outside, distance)));
    };
    std::size_t i = 0;
    for (; i + 16 <= words; i += 16) {
        copy_half_line(i);
        copy_half_line(i + 4);
        copy_half_line(i + 8);
        copy_half_line(i + 12);
    }
    relocate_scalar(to + i, from + i, words - i, moved);
}

[[gnu::target("avx512f")]] void relocate_avx512(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words,
                                                const displacement& moved) noexcept {
    const __m512i lo = _mm512_set1_epi64(static_cast<long long>(moved.from.lo));
    const __m512i span = _mm512_set1_epi64(static_cast<long long>(moved.from.hi - moved.from.lo));
    const __m512i distance = _mm512_set1_epi64(static_cast<long long>(moved.distance));
    const auto apply = [&](__m512i w) __attribute__((target("avx512f"), always_inline)) {
        return _mm512_mask_add_epi64(w, _mm512_cmple_epu64_mask(_mm512_sub_epi64(w, lo), span), w, distance);
    };
    if (words < 8) return relocate_scalar(to, from, words, moved);
    // Up to the first 64-byte boundary of the target: no store then crosses a cache line. Not with an empty mask: a
    // masked access that reaches into an inaccessible page costs 200 ns on Zen 4, even where the mask is zero.
    std::size_t i = (-(reinterpret_cast<std::uintptr_t>(to) / sizeof *to)) & 7;
    if (i) {
        const auto head = static_cast<__mmask8>((1u << i) - 1);
        _mm512_mask_storeu_epi64(to, head, apply(_mm512_maskz_loadu_epi64(head, from)));
    }
    const auto copy_line = [&](std::size_t k) __attribute__((target("avx512f"), always_inline)) {
        _mm512_store_si512(to + k, apply(_mm512_loadu_si512(from + k)));
    };
    for (; i + 32 <= words; i += 32) {
        copy_line(i);
        copy_line(i + 8);
        copy_line(i + 16);
        copy_line(i + 24);
    }
    for (; i + 8 <= words; i += 8) copy_line(i);
    relocate_scalar(to + i, from + i, words - i, moved);
}

// In place, on stacks that stay where they are: most words are no pointers into the one that moves, so what is looked
// at together is rewritten only if there is one in it.

void adjust_scalar(std::uintptr_t* words, std::size_t count, const displacement& moved) noexcept {
    for (std::size_t i = 0; i < count; ++i)
        if (moved.moves(words[i])) words[i] += moved.distance;
}

[[gnu::target("avx2")]] void adjust_avx2(std::uintptr_t* words, std::size_t count, const displacement& moved) noexcept {
    const std::uintptr_t sign = std::uintptr_t{1} << 63;
    const __m256i bias = _mm256_set1_epi64x(static_cast<long long>(moved.from.lo + sign));
    const __m256i span = _mm256_set1_epi64x(static_cast<long long>((moved.from.hi - moved.from.lo) ^ sign));
    const auto adjust_block = [&](std::size_t first, std::size_t block) __attribute__((target("avx2"), always_inline)) {
        __m256i is_outside = _mm256_set1_epi64x(-1);
        for (std::size_t k = first; k < first + block; k += 4) {
            const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words + k));
            is_outside = _mm256_and_si256(is_outside, _mm256_cmpgt_epi64(_mm256_sub_epi64(w, bias), span));
        }
        if (_mm256_movemask_epi8(is_outside) != -1) adjust_scalar(words + first, block, moved);
    };
    std::size_t i = 0;
    for (; i + 32 <= count; i += 32) adjust_block(i, 32);
    for (; i + 8 <= count; i += 8) adjust_block(i, 8);
    adjust_scalar(words + i, count - i, moved);
}

// By whole lines of the cache: a load that crosses two costs twice.
[[gnu::target("avx512f")]] void adjust_avx512(std::uintptr_t* words, std::size_t count,
                                              const displacement& moved) noexcept {
    constexpr std::size_t line = 8;
    const std::size_t head = -(reinterpret_cast<std::uintptr_t>(words) / sizeof *words) % line;
    if (count < head + line) return adjust_scalar(words, count, moved);
    adjust_scalar(words, head, moved);
    const __m512i minus_lo = _mm512_set1_epi64(-static_cast<long long>(moved.from.lo));
    const __m512i span = _mm512_set1_epi64(static_cast<long long>(moved.from.hi - moved.from.lo));
    const auto adjust_lines = [&](std::size_t first,
                                  std::size_t lines) __attribute__((target("avx512f"), always_inline)) {
        __m512i least = _mm512_set1_epi64(-1);  // of the distances from lo
        for (std::size_t k = 0; k < lines; ++k) // with a mask, for GCC 12 warns of its own header otherwise
            least = _mm512_maskz_min_epu64(0xff, least,
                                           _mm512_add_epi64(_mm512_load_si512(words + first + k * line), minus_lo));
        if (_mm512_cmple_epu64_mask(least, span)) adjust_scalar(words + first, lines * line, moved);
    };
    std::size_t i = head;
    for (; i + 8 * line <= count; i += 8 * line) adjust_lines(i, 8);
    for (; i + 2 * line <= count; i += 2 * line) adjust_lines(i, 2);
    if (i + line <= count) adjust_lines(std::exchange(i, i + line), 1);
    adjust_scalar(words + i, count - i, moved);
}

} // namespace

std::span<const relocate_kernel> relocate_kernels() noexcept {
    static const relocate_kernel kernels[] = {
        {"scalar", true, relocate_scalar, adjust_scalar},
        {"avx2", __builtin_cpu_supports("avx2") != 0, relocate_avx2, adjust_avx2},
        {"avx512", __builtin_cpu_supports("avx512f") != 0, relocate_avx512, adjust_avx512},
    };
    return kernels;
}

constinit relocate_kernel chosen_kernel{"scalar", true, relocate_scalar, adjust_scalar};

namespace {

// When the program starts, before other static objects: a check has no time for the guard of a function's static.
[[gnu::constructor(101)]] void choose_by_cpu() noexcept {
    __builtin_cpu_init();
    for (const relocate_kernel& kernel : relocate_kernels())
        if (kernel.is_supported) chosen_kernel = kernel;
    growstack_vector_level = __builtin_cpu_supports("avx512f") ? 2 : __builtin_cpu_supports("avx") ? 1 : 0;
}

} // namespace

void relocate(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words, const displacement& moved) noexcept {
    chosen_kernel.run(to, from, words, moved);
}

void relocate_in_place(std::uintptr_t* words, std::size_t count, const displacement& moved) noexcept {
    chosen_kernel.adjust(words, count, moved);
}

} // namespace growstack::grow
