// What glibc keeps in a jmp_buf. It encodes three of the words, so that a move does not see them for pointers.
// Source: glibc 2.36 sysdeps/x86_64: jmpbuf-offsets.h, setjmp.S (PTR_MANGLE in pointer_guard.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace growstack::grow {

inline constexpr std::size_t jmp_buf_words = 8;   // rbx, rbp, r12-r15, rsp, rip
inline constexpr std::size_t jmp_buf_fp = 1, jmp_buf_sp = 6, jmp_buf_pc = 7; // encoded

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
