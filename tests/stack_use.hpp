// Ways to use stack, for files that must not contain more than they have to (no doctest, no library code).
#pragma once

#include <cstddef>

// In front of, and around, functions whose arrays and allocas must lie on the stack that grows, in a safe build too
// (docs/safe-build.md).
#ifdef __clang__
#define GROWSTACK_ON_NATIVE_STACK __attribute__((no_sanitize("safe-stack")))
#define GROWSTACK_ALL_ON_NATIVE_STACK \
    _Pragma("clang attribute push(__attribute__((no_sanitize(\"safe-stack\"))), apply_to = function)")
#define GROWSTACK_AS_BUILT _Pragma("clang attribute pop")
#else
#define GROWSTACK_ALL_ON_NATIVE_STACK
#define GROWSTACK_AS_BUILT
#define GROWSTACK_ON_NATIVE_STACK
#endif

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
