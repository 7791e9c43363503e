// The relocating copy's kernels. Each reads a word w and writes w - lo <= hi - lo ? w + distance : w, unsigned.
#include <growstack/grow/relocate.hpp>

#include <growstack/detail/x86_64.hpp>

#include <immintrin.h>

// Width of the vector registers that growstack_save_vectors saves: 0 xmm, 1 ymm, 2 zmm.
extern "C" {
[[gnu::visibility("hidden")]] unsigned char growstack_vector_level = 0;
}

namespace growstack::grow {
namespace {

void relocate_scalar(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words, displacement moved) noexcept {
    for (std::size_t i = 0; i < words; ++i) to[i] = moved.apply(from[i]);
}

// AVX2 compares signed: flip the sign bit of both sides.
[[gnu::target("avx2")]] void relocate_avx2(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words,
                                           displacement moved) noexcept {
    const std::uintptr_t sign = std::uintptr_t{1} << 63;
    const __m256i bias = _mm256_set1_epi64x(static_cast<long long>(moved.from.lo + sign)); // w - lo, sign flipped
    const __m256i span =
        _mm256_set1_epi64x(static_cast<long long>((moved.from.hi - moved.from.lo) ^ sign));
    const __m256i distance = _mm256_set1_epi64x(static_cast<long long>(moved.distance));
    const auto apply = [&](__m256i w) __attribute__((target("avx2"), always_inline)) {
        const __m256i is_outside = _mm256_cmpgt_epi64(_mm256_sub_epi64(w, bias), span);
        return _mm256_add_epi64(w, _mm256_andnot_si256(is_outside, distance));
    };
    std::size_t i = 0;
    for (; i + 16 <= words; i += 16) {
        const auto* source = reinterpret_cast<const __m256i*>(from + i);
        auto* target = reinterpret_cast<__m256i*>(to + i);
        const __m256i a = apply(_mm256_loadu_si256(source)), b = apply(_mm256_loadu_si256(source + 1));
        const __m256i c = apply(_mm256_loadu_si256(source + 2)), d = apply(_mm256_loadu_si256(source + 3));
        _mm256_storeu_si256(target, a);
        _mm256_storeu_si256(target + 1, b);
        _mm256_storeu_si256(target + 2, c);
        _mm256_storeu_si256(target + 3, d);
    }
    relocate_scalar(to + i, from + i, words - i, moved);
}

[[gnu::target("avx512f")]] void relocate_avx512(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words,
                                                displacement moved) noexcept {
    const __m512i lo = _mm512_set1_epi64(static_cast<long long>(moved.from.lo));
    const __m512i span = _mm512_set1_epi64(static_cast<long long>(moved.from.hi - moved.from.lo));
    const __m512i distance = _mm512_set1_epi64(static_cast<long long>(moved.distance));
    const auto apply = [&](__m512i w) __attribute__((target("avx512f"), always_inline)) {
        return _mm512_mask_add_epi64(w, _mm512_cmple_epu64_mask(_mm512_sub_epi64(w, lo), span), w, distance);
    };
    // Up to the first 64-byte boundary of the target: no store then crosses a cache line.
    std::size_t i = (-(reinterpret_cast<std::uintptr_t>(to) / sizeof *to)) & 7;
    if (i > words) i = words;
    const auto head = static_cast<__mmask8>((1u << i) - 1);
    _mm512_mask_storeu_epi64(to, head, apply(_mm512_maskz_loadu_epi64(head, from)));
    for (; i + 32 <= words; i += 32) {
        const __m512i a = apply(_mm512_loadu_si512(from + i)), b = apply(_mm512_loadu_si512(from + i + 8));
        const __m512i c = apply(_mm512_loadu_si512(from + i + 16)), d = apply(_mm512_loadu_si512(from + i + 24));
        _mm512_store_si512(to + i, a);
        _mm512_store_si512(to + i + 8, b);
        _mm512_store_si512(to + i + 16, c);
        _mm512_store_si512(to + i + 24, d);
    }
    for (; i + 8 <= words; i += 8) _mm512_store_si512(to + i, apply(_mm512_loadu_si512(from + i)));
    const auto tail = static_cast<__mmask8>((1u << (words - i)) - 1);
    _mm512_mask_storeu_epi64(to + i, tail, apply(_mm512_maskz_loadu_epi64(tail, from + i)));
}

} // namespace

const relocate_kernel (&relocate_kernels() noexcept)[relocate_kernel_count] {
    static const relocate_kernel kernels[relocate_kernel_count] = {
        {"scalar", true, relocate_scalar},
        {"avx2", __builtin_cpu_supports("avx2") != 0, relocate_avx2},
        {"avx512", __builtin_cpu_supports("avx512f") != 0, relocate_avx512},
    };
    return kernels;
}

namespace {

constinit auto* best_kernel = relocate_scalar;

// When the program starts, before other static objects: a check has no time for the guard of a function's static.
[[gnu::constructor(101)]] void choose_by_cpu() noexcept {
    __builtin_cpu_init();
    for (const relocate_kernel& kernel : relocate_kernels())
        if (kernel.is_supported) best_kernel = kernel.run;
    growstack_vector_level = __builtin_cpu_supports("avx512f") ? 2 : __builtin_cpu_supports("avx") ? 1 : 0;
}

} // namespace

void relocate(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words, displacement moved) noexcept {
    best_kernel(to, from, words, moved);
}

} // namespace growstack::grow
