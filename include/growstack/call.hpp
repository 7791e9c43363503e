// The probe check: call<bytes>(f, args...) calls f with so much stack below, in code that has no other check.
//
//      read  a byte at sp - bytes      the stack has the room: nothing else happens
//      call  f
//
// Where the page is a guard, the processor faults. The signal handler finds the instruction in the table of its probes
// and goes on at the slow path, which calls f as a checked function whose check failed: a contiguous stack moves, a
// segmented one links a chunk for f.
//
// Source of the table: the Linux kernel's __ex_table (arch/x86/include/asm/extable.h).
#pragma once

#include <growstack/detail/call_through.hpp>
#include <growstack/detail/config.hpp>
#include <growstack/detail/invoke_out_of_line.hpp>
#include <growstack/detail/probe.hpp>

#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>

namespace growstack {
namespace detail {

template <class Callable>
[[gnu::noinline, gnu::cold]] auto call_with_room(Callable& callable, std::size_t frame_bytes) -> decltype(callable()) {
    return call_through(growstack_call_with_room, growstack_call_with_room_in_memory, callable, frame_bytes);
}

template <std::size_t... Steps>
[[gnu::always_inline]] inline bool probe_steps(std::index_sequence<Steps...>) noexcept {
    return (probe<(Steps + 1) * page_bytes>() && ...);
}

/// Touches the stack down to `Bytes` below sp, in steps that no guard page is jumped over by. Returns false if a guard
/// was hit.
template <std::size_t Bytes>
[[gnu::always_inline]] inline bool probe_down_to() noexcept {
    return probe_steps(std::make_index_sequence<(Bytes - 1) / page_bytes>{}) && probe<Bytes>();
}

} // namespace detail

inline constexpr std::size_t most_call_bytes = std::size_t{1} << 20;

/// Returns std::invoke(f, args...), called with at least `Bytes` of stack, which has to include f's own frame. The fast
/// path reads one byte (one in each 4 KiB for more than that). Where there is no room, a contiguous stack moves, a
/// segmented one links a chunk, and others throw stack_overflow, before f is called. On a thread's own stack it only
/// reads.
template <std::size_t Bytes, class F, class... Args>
[[gnu::always_inline]] inline std::invoke_result_t<F, Args...> call(F&& f, Args&&... args) {
    static_assert(Bytes > 0 && Bytes <= most_call_bytes, "growstack::call<Bytes>: 1 byte to 1 MiB");
    static_cast<void>(&detail::probes_of_this_module<>);
    if (detail::probe_down_to<Bytes>()) [[likely]]
        return detail::invoke_out_of_line(std::forward<F>(f), std::forward<Args>(args)...);
    auto invoke = [&]() -> std::invoke_result_t<F, Args...> {
        return std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
    };
    return detail::call_with_room(invoke, Bytes);
}

} // namespace growstack
