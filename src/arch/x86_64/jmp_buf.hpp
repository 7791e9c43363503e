// The layout of glibc's jmp_buf. It encodes three of the words, so that a move does not see them as pointers.
// Source: glibc 2.36 sysdeps/x86_64: jmpbuf-offsets.h, setjmp.S (PTR_MANGLE in pointer_guard.h).
#pragma once

#include <pthread.h>
#include <setjmp.h>

#include <cstddef>
#include <cstdint>

namespace growstack::grow {

inline constexpr std::size_t jmp_buf_words = 8;                              // rbx, rbp, r12-r15, rsp, rip
inline constexpr std::size_t jmp_buf_fp = 1, jmp_buf_sp = 6, jmp_buf_pc = 7; // encoded

// After the words comes an int, then nothing of 4 bytes, in a jmp_buf and in the smaller buffer of a thread's clean-up.
inline constexpr std::size_t jmp_buf_spare = 2 * jmp_buf_words + 1; // in 32-bit words
static_assert(offsetof(__jmp_buf_tag, __mask_was_saved) + sizeof(int) == 4 * jmp_buf_spare);
static_assert(offsetof(__jmp_buf_tag, __saved_mask) == 4 * (jmp_buf_spare + 1));
static_assert(sizeof(__cancel_jmp_buf_tag) == 4 * (jmp_buf_spare + 1));

inline std::uintptr_t pointer_guard() noexcept {
    std::uintptr_t guard;
    asm("mov %%fs:0x30, %0" : "=r"(guard)); // tcbhead_t.pointer_guard
    return guard;
}

inline std::uintptr_t decoded(std::uintptr_t word) noexcept { return (word >> 17 | word << 47) ^ pointer_guard(); }

inline std::uintptr_t encoded(std::uintptr_t word) noexcept {
    word ^= pointer_guard();
    return word << 17 | word >> 47;
}

} // namespace growstack::grow
