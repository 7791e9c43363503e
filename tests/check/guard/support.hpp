// For code without checks: ways to stand at a chosen place of one.
#pragma once

#include "../../support.hpp"

#include <alloca.h>

#include <cstdint>

namespace test {

/// Returns the lowest address of the memory that the running coroutine's innermost frames are on.
inline std::uintptr_t lowest_address() { return growstack::grow::this_thread().running->innermost().lo; }

/// Calls `f` with sp a little below lowest_address() + offset, if it is above that now. Not instrumented: an alloca
/// would be larger.
[[gnu::noinline, gnu::no_sanitize_address]] inline void call_at(std::ptrdiff_t offset, void (*f)(void*),
                                                                void* argument) {
    const auto target = static_cast<std::ptrdiff_t>(lowest_address()) + offset;
    const auto here = reinterpret_cast<std::ptrdiff_t>(__builtin_frame_address(0));
    volatile char* space = nullptr;
    if (here > target) {
        space = static_cast<char*>(alloca(static_cast<std::size_t>(here - target)));
        *space = 1;
    }
    f(argument);
    opaque(space);
}

template <class F>
void at_offset(std::ptrdiff_t offset, F&& f) {
    call_at(offset, &call<std::remove_reference_t<F>>, address(f));
}

/// Runs `body(offset)` in a new coroutine for each offset of sp from the stack's lowest address, from `first` on, in
/// steps of 16 over two pages.
template <class Kind, class Body>
void for_each_offset(Body&& body, std::ptrdiff_t first = -128) {
    for (std::ptrdiff_t offset = first; offset < first + 2 * static_cast<std::ptrdiff_t>(page); offset += 16)
        run<Kind>([&] { at_offset(offset, [&] { body(); }); });
}

} // namespace test
