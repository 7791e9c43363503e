// The machine and its ABI: what the headers that users include need of them, one header for each architecture.
// src/arch/arch.hpp is the rest, and says what another architecture has to provide.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && defined(__linux__)
#include <growstack/detail/arch/x86_64.hpp>
#else
#error "growstack runs on Linux on x86-64 only so far"
#endif

namespace growstack::detail {

// Values of the limit that are no addresses of stacks. Above every stack address, so that every check fails:

/// Positive as a signed number, because Clang compares the limit of an alloca with a signed jump.
inline constexpr std::uintptr_t limit_check_always = INTPTR_MAX;
/// A kept chunk is being entered or left.
inline constexpr std::uintptr_t limit_in_transition = static_cast<std::uintptr_t>(-2);

// Below every stack address, so that no check fails:

/// On plain threads, and in the library itself.
inline constexpr std::uintptr_t limit_check_never = 0;
/// While a coroutine is left: growstack holds no lock, so the fault handler may move its stack.
inline constexpr std::uintptr_t limit_switching = 1;

// The entries into the architecture's assembly that headers call.
extern "C" {
/// Calls run(callable) as a checked function whose frame of so many bytes does not fit. ..._in_memory: with an address
/// for the result before the rest.
void growstack_call_with_room(void* callable, void (*run)(void*), std::size_t frame_bytes);
void growstack_call_with_room_in_memory(void* result, void* callable, void (*run)(void*), std::size_t frame_bytes);

/// The same for a function that does nothing.
void growstack_ensure(std::size_t frame_bytes);

/// Calls run(callable) on the thread's own stack, below where its last resume left it.
void growstack_call_natively(void* callable, void (*run)(void*), std::size_t unused);
void growstack_call_natively_in_memory(void* result, void* callable, void (*run)(void*), std::size_t unused);
}

} // namespace growstack::detail
