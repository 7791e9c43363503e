// Chooses addresses for stacks that few other values look like.
//
// A move takes every word for a pointer that lies in the old stack's range. A value narrower than a word leaves the
// rest of its word as it was, so a word can be half number, half stale pointer. Two rules keep such numbers right:
//
//   1. A stack moves by a multiple of 64 KiB (memory/stack_class.hpp), which never changes the low 16 bits of a word:
//      no char, no short, no exponent of a long double (bytes 8 and 9 of 16).
//   2. Stacks up to 4 MiB lie where bits 16-23 are 0x80 or more and bits 24-31 are 0x81 to 0xaf: over a stale pointer,
//      no text in ASCII, no int from -16,777,216 up, and no float outside -1.7e-38 ... -3e-10 makes an address in a
//      stack.
//
//      |  8 MiB unused  |  8 MiB window: stacks  |  8 MiB unused  |  window  | ...      47 windows in each 4 GiB
//      0xNNNN'8100'0000 0xNNNN'8180'0000         0xNNNN'8200'0000
#pragma once

#include <cstddef>
#include <cstdint>

namespace growstack::grow {

inline constexpr std::size_t window_bytes = std::size_t{8} << 20;
inline constexpr std::size_t hi_alignment = std::size_t{64} << 10; // by which a stack may move

/// Returns `bytes`, a multiple of hi_alignment, of readable and writable address space at a multiple of it, without
/// memory yet; 0 if there is none. Not thread-safe.
std::uintptr_t take_address_space(std::size_t bytes) noexcept;

} // namespace growstack::grow
