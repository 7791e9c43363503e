// Sinking to a chosen place of a stack.
#include "grow.hpp"

#include <alloca.h>

#include <algorithm>

namespace guard {

[[gnu::noinline]] void sink_to(std::uintptr_t target, void (*f)(void*), void* argument) {
    constexpr std::size_t frame_bytes = 112; // this function's own, about
    const auto sp = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    if (sp < target + 2 * frame_bytes) {
        f(argument);
    } else {
        const std::size_t bytes = std::min<std::size_t>(sp - target - frame_bytes, 512);
        auto* const space = static_cast<volatile char*>(alloca(bytes));
        space[0] = 1;
        sink_to(target, f, argument);
        opaque(space);
    }
    opaque(&target); // no tail call
}

std::uintptr_t address_of(boundary where) {
    const growstack::grow::stack& self = growstack::detail::running()->stack;
    return self.memory.lo - (where == boundary::room ? self.sizes.room_bytes : 0);
}

} // namespace guard
