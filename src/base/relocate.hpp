// The relocating copy: memcpy that re-points, in the same pass, every word that points into a stack that moves.
#pragma once

#include <growstack/detail/bounds.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace growstack::grow {

/// Copies `words` from `from` to `to`, each through `moved.apply`. The ranges are equal or do not overlap.
/// Uses vector registers; the kernel is chosen once, by what the CPU has.
void relocate(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words, const displacement& moved) noexcept;

/// Re-points `count` words where they are. Faster than relocate() onto itself where few of them point into the range.
void relocate_in_place(std::uintptr_t* words, std::size_t count, const displacement& moved) noexcept;

/// One kernel.
struct relocate_kernel {
    const char* name;
    bool is_supported; // by this CPU
    void (*run)(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words, const displacement& moved) noexcept;
    void (*adjust)(std::uintptr_t* words, std::size_t count, const displacement& moved) noexcept; // in place
};

/// What relocate() and relocate_in_place() use: chosen when the program starts. Under Valgrind another takes its place.
extern constinit relocate_kernel chosen_kernel;

/// All kernels of this architecture, slowest first; the last that is supported is chosen.
std::span<const relocate_kernel> relocate_kernels() noexcept;

} // namespace growstack::grow
