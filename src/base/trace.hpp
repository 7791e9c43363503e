// How growth tells the trace hook.
#pragma once

#include <growstack/detail/stack.hpp>
#include <growstack/trace.hpp>

// Read by __morestack too: a kept chunk is not entered behind an observer's back.
extern "C" [[gnu::visibility("hidden")]] unsigned char growstack_is_observed;

namespace growstack::grow {

inline bool is_observed() noexcept { return __atomic_load_n(&growstack_is_observed, __ATOMIC_RELAXED); }

/// Calls the hook. Keeps the vector registers.
void call_hook(trace_event::kind_type kind, const stack& self, bounds memory, std::size_t bytes,
               std::size_t pointers) noexcept;

inline void emit(trace_event::kind_type kind, const stack& self, bounds memory, std::size_t bytes,
                 std::size_t pointers = 0) noexcept {
    if (is_observed()) [[unlikely]]
        call_hook(kind, self, memory, bytes, pointers);
}

/// Returns how many of the words in two ranges of `bytes` differ.
std::size_t count_differences(const std::uintptr_t* a, const std::uintptr_t* b, std::size_t bytes) noexcept;

} // namespace growstack::grow
