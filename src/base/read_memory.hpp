// Reading memory that may not be there, or that another thread may unmap meanwhile: the kernel does it, and says so
// where a plain read would be a fault. Source: process_vm_readv(2).
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace growstack::detail {

/// Copies the places that `from` lists, one after the other, to `to`, up to the first that cannot be read. Returns how
/// many bytes it has copied. Async-signal-safe.
std::size_t read_memory(std::span<const iovec> from, void* to) noexcept;

/// The same of one place.
inline std::size_t read_memory(std::uintptr_t lo, std::size_t bytes, void* to) noexcept {
    const iovec place{reinterpret_cast<void*>(lo), bytes};
    return read_memory({&place, 1}, to);
}

} // namespace growstack::detail
