// Single instructions.
#pragma once

#include <growstack/detail/bounds.hpp>

namespace growstack::grow {

// Instructions, not loops: of those the compiler makes a memset or memcpy, which would be a sanitizer's own, and report
// what the library does.

inline void set_bytes(bounds memory, unsigned char value) noexcept {
    std::uintptr_t at = memory.lo;
    std::size_t bytes = memory.bytes();
    asm volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(value) : "memory");
}

inline void copy_bytes(std::uintptr_t to, bounds memory) noexcept {
    std::uintptr_t from = memory.lo;
    std::size_t bytes = memory.bytes();
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

inline std::uintptr_t thread_pointer() noexcept {
    std::uintptr_t pointer;
    asm("mov %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

} // namespace growstack::grow
