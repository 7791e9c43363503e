// Sinking to a chosen depth of a stack.
#include "grow.hpp"

#include <alloca.h>

#include <algorithm>
#include <cstdint>

namespace guard {

// Not instrumented: its frames would be larger than it counts.
[[gnu::noinline, gnu::no_sanitize_address]] void sink_to(std::size_t depth_bytes, void (*f)(void*), void* argument) {
    constexpr std::size_t frame_bytes = 128; // this function's own, about
    const auto sp = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const std::size_t depth = growstack::detail::running()->stack.memory.hi - sp;
    if (depth + frame_bytes > depth_bytes) {
        f(argument);
    } else {
        const std::size_t bytes = std::min<std::size_t>(depth_bytes - depth - frame_bytes + 16, 512);
        auto* const space = static_cast<volatile char*>(alloca(bytes));
        space[0] = 1;
        sink_to(depth_bytes, f, argument);
        opaque(space);
    }
    opaque(&depth_bytes); // no tail call
}

} // namespace guard
