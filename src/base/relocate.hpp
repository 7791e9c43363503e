// The relocating copy: memcpy that re-points, in the same pass, every word that points into a stack that moves.
#pragma once

#include <growstack/detail/bounds.hpp>

#include <cstddef>
#include <cstdint>

namespace growstack::grow {

/// Copies `words` from `from` to `to`, each through `moved.apply`. The ranges are equal or do not overlap.
/// Uses vector registers; the kernel (scalar, AVX2 or AVX-512) is chosen once, by what the CPU has.
void relocate(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words, const displacement& moved) noexcept;

/// Re-points `count` words where they are. Faster than relocate() onto itself where few of them point into the range.
void relocate_in_place(std::uintptr_t* words, std::size_t count, const displacement& moved) noexcept;

/// One kernel, for tests and benchmarks.
struct relocate_kernel {
    const char* name;
    bool is_supported; // by this CPU
    void (*run)(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words, const displacement& moved) noexcept;
    void (*adjust)(std::uintptr_t* words, std::size_t count, const displacement& moved) noexcept; // in place
};

inline constexpr std::size_t relocate_kernel_count = 3;

/// All kernels, slowest first; `relocate` uses the last that is supported.
const relocate_kernel (&relocate_kernels() noexcept)[relocate_kernel_count];

} // namespace growstack::grow
