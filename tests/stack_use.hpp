// Ways to use stack, for files that must not contain more than they have to (no doctest, no library code).
#pragma once

#include <cstddef>

namespace test {

/// Does nothing that a compiler can know of: keeps objects in memory and calls from being removed.
void opaque(volatile void*);

/// Uses at least `bytes` of stack, in small frames, and returns.
void use_stack(std::size_t bytes);

/// In code without checks: writes to so many bytes of stack, then calls f, unless that is null.
void call_without_checks(std::size_t bytes, void (*f)());

/// Returns `n`, which the compiler does not know.
long number(long n);

/// As a local: makes the function's frame at least `bytes` large and uses some stack below it.
template <std::size_t bytes>
struct [[gnu::visibility("hidden")]] frame {
    volatile unsigned char content[bytes];
    frame() {
        content[0] = 1;
        content[bytes - 1] = 2;
        opaque(content);
        use_stack(200);
    }
    ~frame() { opaque(content); }
    frame(const frame&) = delete;
    frame& operator=(const frame&) = delete;
};

} // namespace test
