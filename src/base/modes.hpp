// The hard modes, as the library asks for them.
#pragma once

#include <growstack/stress.hpp>

#include <atomic>

namespace growstack::grow {

/// The modes that are on, as stress.cpp numbers them.
[[gnu::visibility("hidden")]] extern std::atomic<unsigned> stress_bits;
inline constexpr unsigned poison_bit = 4;
inline constexpr unsigned fault_bit = 16;
// No modes: what the program runs under, each set by its own file when the program starts, and set_audit().
inline constexpr unsigned address_sanitizer_bit = 8;  // AddressSanitizer
inline constexpr unsigned thread_sanitizer_bit = 128; // ThreadSanitizer
inline constexpr unsigned valgrind_bit = 64;
inline constexpr unsigned audit_bit = 32;

/// Says if a freed stack's, or an ended coroutine's, contents need no treatment.
inline bool is_free_simple() noexcept {
    constexpr unsigned any = poison_bit | address_sanitizer_bit | thread_sanitizer_bit | valgrind_bit | audit_bit;
    return (stress_bits.load(std::memory_order_relaxed) & any) == 0;
}

inline bool is_faulting() noexcept { return (stress_bits.load(std::memory_order_relaxed) & fault_bit) != 0; }

inline bool is_auditing() noexcept { return (stress_bits.load(std::memory_order_relaxed) & audit_bit) != 0; }

inline bool is_under_address_sanitizer() noexcept {
    return (stress_bits.load(std::memory_order_relaxed) & address_sanitizer_bit) != 0;
}

inline bool is_under_valgrind() noexcept { return (stress_bits.load(std::memory_order_relaxed) & valgrind_bit) != 0; }

inline bool is_poisoning() noexcept { return (stress_bits.load(std::memory_order_relaxed) & poison_bit) != 0; }

} // namespace growstack::grow
