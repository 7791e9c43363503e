// x86-64 System V with glibc, as far as headers need it: growstack/detail/arch.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace growstack::grow {

struct chunk;

/// What __morestack leaves on the stack that it was called on, low address first. Integer registers that may hold
/// pointers into the stack lie here, so moving the stack re-points them with everything else.
struct check_frame {
    std::uintptr_t padding;
    std::uintptr_t r15, r14, r13, r12, rbx;
    std::uintptr_t r9, r8, rcx, rdx, rsi, rdi, rax;
    union {
        chunk* entered;         // chunk that the callee runs on, if one was linked
        std::size_t lowered_by; // of an alloca: bytes by which the caller's sp comes back lower
    };
    std::uintptr_t limit; // limit when the check failed; restored when the callee returns from a chunk
    std::uintptr_t rbp;
    std::uintptr_t check_address;  // after the prologue's call of __morestack
    std::uintptr_t return_address; // the callee's; its stack arguments lie above

    /// Returns sp as the failed check saw it.
    std::uintptr_t callee_sp() const noexcept { return reinterpret_cast<std::uintptr_t>(&return_address); }
};

} // namespace growstack::grow

namespace growstack::detail {

inline constexpr std::size_t page_bytes = 4096;
inline constexpr unsigned address_bits = 47;       // of a program's addresses
inline constexpr std::size_t red_zone_bytes = 128; // that functions may touch below sp

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

// What a safe build (docs/safe-build.md) keeps for each thread: where its escape stack stands. By Clang's
// -fsanitize=safe-stack and its runtime: a word of thread-local storage.
extern "C" {
/// How far it lies from the thread pointer; 0: the program has no safe build (src/system/escape_pointer.cpp).
extern std::ptrdiff_t growstack_escape_offset;
}

[[gnu::always_inline]] inline bool has_escape_stacks() noexcept {
#if defined(__has_feature)
    if constexpr (__has_feature(safe_stack)) return true;
#endif
    return growstack_escape_offset != 0;
}

/// Sets the running thread's escape pointer and returns the one before. Precondition: has_escape_stacks(). By assembly,
/// relative to the thread pointer: compilers would keep the word's address in a register, over a switch, after which a
/// coroutine may run on another thread.
[[gnu::always_inline]] inline std::uintptr_t exchange_escape_pointer(std::uintptr_t next) noexcept {
    std::uintptr_t before;
    asm volatile("mov %%fs:(%2), %0\n\tmov %1, %%fs:(%2)"
                 : "=&r"(before)
                 : "r"(next), "r"(growstack_escape_offset)
                 : "memory");
    return before;
}

[[gnu::always_inline]] inline std::uintptr_t read_escape_pointer() noexcept {
    std::uintptr_t pointer;
    asm volatile("mov %%fs:(%1), %0" : "=r"(pointer) : "r"(growstack_escape_offset));
    return pointer;
}

/// Reads one byte `Below` bytes below sp, by an instruction that has an entry in the table of probes
/// (growstack/detail/probe.hpp). Returns false if the fault handler found the byte to be a guard's.
template <std::size_t Below>
[[gnu::always_inline]] inline bool probe() noexcept {
    asm goto(
        "9: testb %%al, -%c0(%%rsp)\n\t"
        ".pushsection growstack_probes, \"aR?\", @progbits\n\t"
        ".long 9b - ., %l[slow] - .\n\t"
        ".popsection"
        :
        : "i"(Below)
        : "cc", "memory"
        : slow);
    return true;
slow:
    return false;
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

} // namespace growstack::detail
