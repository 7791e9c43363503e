// What AddressSanitizer has marked below a frame, and what it must report. In sanitized builds only.
#pragma once

#include "support.hpp"

#include <growstack/detail/control_block.hpp>
#include "memory/stackalloc.hpp"

#include <sanitizer/asan_interface.h>

#include <unistd.h>

#include <cstdint>
#include <string>

namespace test {

inline void check_is_reported(const child_end& end, const char* what) {
    constexpr int asan_exit_code = 1;
    CHECK(end.exit_code == asan_exit_code);
    CHECK_MESSAGE(contains(end.error_text, std::string("AddressSanitizer: ") + what), end.error_text);
}

/// A child that has to show something first ends otherwise if it does not.
inline void require(bool is_so) {
    if (!is_so) ::_exit(3);
}

inline std::size_t moves() { return growstack::this_coroutine::stats().moves; }

/// Says if nothing below this frame is marked, down to the end of the address space that the coroutine runs on.
[[gnu::noinline, gnu::no_sanitize_address]] inline bool is_clean_below() {
    const growstack::grow::stack& self = growstack::detail::running()->stack;
    const growstack::grow::bounds memory = self.top ? self.top->memory
                                                    : self.memory; // innermost() could be on a chunk of its own
    const std::uintptr_t lo = growstack::grow::guard_of(memory, growstack::stack_layout::guarded).lo;
    const auto hi = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) - 1024;
    return hi > lo && !__asan_region_is_poisoned(reinterpret_cast<void*>(lo), hi - lo);
}

/// By a pointer: UndefinedBehaviorSanitizer knows an array's bounds, and would be first.
[[gnu::noinline]] inline void write_to(int* array, long index) { array[number(index)] = 1; }

} // namespace test
