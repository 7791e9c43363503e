// Vector arguments and results. The width is that of the translation unit (-mavx, -mavx512f), because Clang passes wide
// vectors as the whole file's flags say and not as a function's target attribute does. So callers and callees are files
// of their own, compiled once for each width, with nothing in them that another file could share.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vectors {

// What the callers call when all arguments are ready: nothing, or a function without a check.
inline void (*before_call)() noexcept = nullptr;
[[gnu::always_inline]] inline void prepare_call() noexcept {
    if (before_call) before_call();
}

// In vector_callers.cpp: make vectors, call, and return whether the result is right.
template <std::size_t frame_bytes>
bool arrive_128();
template <std::size_t frame_bytes>
bool arrive_256();
template <std::size_t frame_bytes>
bool arrive_512();
template <std::size_t frame_bytes>
bool pointers_arrive_128();
template <std::size_t frame_bytes>
bool pointers_arrive_256();
template <std::size_t frame_bytes>
bool pointers_arrive_512();

#ifdef VECTOR_BITS
#define GROWSTACK_JOIN_AGAIN(a, b) a##b
#define GROWSTACK_JOIN(a, b) GROWSTACK_JOIN_AGAIN(a, b)
#define WITH_BITS(name) GROWSTACK_JOIN(name, VECTOR_BITS)

using numbers = double __attribute__((vector_size(VECTOR_BITS / 8)));
using words = std::uintptr_t __attribute__((vector_size(VECTOR_BITS / 8)));
inline constexpr std::size_t lanes = VECTOR_BITS / 64;

// In vector_callees.cpp. Ten vectors: eight come in registers and two on the stack.
template <std::size_t frame_bytes>
numbers WITH_BITS(weighted_sum_)(numbers a, numbers b, numbers c, numbers d, numbers e, numbers f, numbers g, numbers h,
                                 numbers i, numbers j);

// Returns whether the lanes are `of`, one byte more, two bytes more, ...
template <std::size_t frame_bytes>
bool WITH_BITS(are_pointers_)(const void* of, words a, words b, words c, words d, words e, words f, words g, words h,
                              words i, words j);
#endif

} // namespace vectors
