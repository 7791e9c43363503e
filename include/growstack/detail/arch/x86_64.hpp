// What the machine gives us on x86-64 System V with glibc: the limit that prologues compare sp with, and the thread
// pointer. With src/arch/x86_64/morestack.S this is all that depends on the architecture.
#pragma once

#if !defined(__x86_64__) || !defined(__linux__)
#error "growstack runs on Linux x86-64 only so far"
#endif

#include <cstddef>
#include <cstdint>

namespace growstack::detail {

/// Limit values that are not addresses. All are above every stack address, so every check fails.
/// Positive as a signed number, because Clang compares the limit of an alloca with signed `jg`.
inline constexpr std::uintptr_t limit_check_always = INTPTR_MAX;
/// A kept chunk is being entered or left; as in arch/x86_64/morestack.S.
inline constexpr std::uintptr_t limit_in_transition = static_cast<std::uintptr_t>(-2);
/// No check fails: plain threads, and the library itself.
inline constexpr std::uintptr_t limit_check_never = 0;

/// The same, while a coroutine is left: growstack holds no lock, so the fault handler may move its stack.
inline constexpr std::uintptr_t limit_switching = 1;

/// Returns the running thread's stack limit (tcbhead_t.__private_ss, offset 0x70).
[[gnu::always_inline]] inline std::uintptr_t read_limit() noexcept {
    std::uintptr_t limit;
    asm volatile("mov %%fs:0x70, %0" : "=r"(limit));
    return limit;
}

/// In line also at -O0: a call could fail a check, and __morestack would restore the limit when it returns.
[[gnu::always_inline]] inline void write_limit(std::uintptr_t limit) noexcept {
    asm volatile("mov %0, %%fs:0x70" : : "r"(limit) : "memory");
}

/// Returns the address of the running thread's `growstack_thread` (src/base/thread.cpp).
[[gnu::always_inline]] inline void* thread_state_address() noexcept {
    char* address;
    asm volatile("mov %%fs:0, %0\n\tadd growstack_thread@gottpoff(%%rip), %0" : "=r"(address) : : "cc");
    return address;
}

/// Room for the vector registers that can carry arguments: zmm0-zmm7.
inline constexpr std::size_t vector_registers_bytes = 8 * 64;

extern "C" {
/// Stores / loads the argument vector registers at their full width, and those of x87. `to` / `from`: a vectors_saved.
void growstack_save_vectors(void* to) noexcept;
void growstack_load_vectors(const void* from) noexcept;
}

/// Keeps the argument vector registers while code runs that may use them. The check's caller owns them. And keeps what
/// a chunk's callee returns in x87 registers.
/// For code compiled with -mgeneral-regs-only, which touches none itself.
class vectors_saved {
public:
    vectors_saved() noexcept { growstack_save_vectors(this); }
    ~vectors_saved() { growstack_load_vectors(this); }
    vectors_saved(const vectors_saved&) = delete;
    vectors_saved& operator=(const vectors_saved&) = delete;

    /// The registers' contents, which may be pointers that a move has to re-point.
    alignas(64) std::uintptr_t words[vector_registers_bytes / sizeof(std::uintptr_t)];
    unsigned char x87[108]; // as fnsave has them
    bool has_x87;
};
static_assert(offsetof(vectors_saved, x87) == 512 && offsetof(vectors_saved, has_x87) == 620); // the assembly's

} // namespace growstack::detail
