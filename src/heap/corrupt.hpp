// Ends the program where the heap's books do not agree, or the program has used it wrongly.
#pragma once

namespace growstack::heap {

/// Writes a line that says what is wrong and aborts.
[[noreturn]] void fatal_heap_corruption(const char* what) noexcept;

/// The same for a pointer that the program frees and must not.
[[noreturn]] void fatal_bad_free(const void* p, const char* why) noexcept;

inline void check(bool is_true, const char* what_if_not) noexcept {
    if (!is_true) [[unlikely]]
        fatal_heap_corruption(what_if_not);
}

} // namespace growstack::heap
