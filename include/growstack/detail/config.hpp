// Numbers, each with its unit and its reason.
#pragma once

#include <growstack/detail/arch.hpp>

#include <cstddef>

namespace growstack::detail {

/// Go's ceiling for a 64-bit goroutine stack is 1,000,000,000 bytes (runtime/proc.go); the nearest power of two.
inline constexpr std::size_t default_max_bytes = std::size_t{1} << 30;

/// A stack of 16 TiB does not fit beside anything else in 47 bits of address space: a size above it is a mistake.
inline constexpr std::size_t absurd_bytes = std::size_t{1} << 44;

/// Calls into code without checks run below the limit. Measured on glibc 2.36 and libstdc++ 12: a first throw takes
/// 5.2 KiB, a first ostringstream << double 4.2 KiB, printf("%f") 2.5 KiB.
inline constexpr std::size_t default_headroom_bytes = 8 * 1024;

/// Below each stack: the growth room, which code without checks may use; then a spare, for the frame that does not
/// fit into the room, and for throwing when there is no more; then the guard page. With 4 KiB of stack over it, one
/// step of high ends is 68 KiB.
inline constexpr std::size_t largest_room_bytes = 44 * 1024;
inline constexpr std::size_t spare_bytes = 16 * 1024;
inline constexpr std::size_t slack_bytes = 64 * 1024; // over it, below a larger stack (src/memory/stack_class.hpp)
inline constexpr std::size_t largest_without_slack_bytes = 128 * 1024;
inline constexpr std::size_t guarded_bytes = largest_room_bytes + spare_bytes + page_bytes;
static_assert(largest_room_bytes % page_bytes == 0 && spare_bytes % page_bytes == 0);

/// 256 bytes that GCC lets a small frame use unasked, the red zone (128), what __morestack saves (136), and a margin.
inline constexpr std::size_t smallest_headroom_bytes = 1024;

/// The same without the margin, for small dense stacks.
inline constexpr std::size_t smallest_dense_headroom_bytes = 512;

/// What the unwinder gets on small dense stacks, and what it needs: 5.2 KiB at a first throw.
inline constexpr std::size_t dense_throw_bytes = 8 * 1024, least_throw_bytes = 5 * 1024 + 512;

/// From here on every stack has a guard.
inline constexpr std::size_t smallest_guarded_max_bytes = 32 * 1024;

/// libgcc's __morestack_non_split adds as much.
inline constexpr std::size_t default_non_split_bytes = 16 * 1024;

inline constexpr std::size_t default_initial_bytes = 16 * 1024;
inline constexpr std::size_t default_chunk_bytes = 16 * 1024;

/// As large as a thread's stack usually is: code whose escaping variables fit there needs no option here.
inline constexpr std::size_t default_escape_bytes = std::size_t{8} << 20;

/// boost::context::fixedsize_stack's default on Linux.
inline constexpr std::size_t default_fixed_bytes = 128 * 1024;

/// As large as a thread's stack usually is.
inline constexpr std::size_t default_reserved_bytes = 8 * 1024 * 1024;

} // namespace growstack::detail
