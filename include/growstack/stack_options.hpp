// The sizes of a coroutine's stack.
#pragma once

#include <growstack/detail/config.hpp>
#include <growstack/stack_layout.hpp>

#include <compare>
#include <cstddef>

namespace growstack {

/// What a segmented stack does with a chunk when the call that needed it returns.
enum class chunk_release {
    keep_one, ///< keep it for the next call; at most one
    eager,    ///< free it at once, as Go 1.2 did: shows the hot split
};

/// Sizes in bytes. Each stack policy has defaults of its own (`contiguous_stack::defaults`, ...).
/// A coroutine's constructor checks them and throws std::invalid_argument that names the field.
struct stack_options {
    /// The first stack, headroom included; rounded up to a power of two, at least 4 KiB, or 1 KiB if dense.
    std::size_t initial_bytes = detail::default_initial_bytes;
    /// A growth that would make the coroutine's stack memory larger throws stack_overflow. fixed_stack ignores it.
    std::size_t max_bytes = detail::default_max_bytes;
    /// Kept free below the limit for calls into code without checks (libc, prebuilt libraries). At least 1 KiB, or 512
    /// bytes if dense; 0: 8 KiB, or half of a smaller stack.
    std::size_t headroom_bytes = 0;
    /// The growth room: how far code without checks may extend the stack, or a chunk, in place. At most 44 KiB.
    std::size_t room_bytes = detail::largest_room_bytes;
    /// Whether a contiguous stack moves at whatever instruction the code without checks has reached when the room is
    /// used up. If not, that is an overflow.
    bool move_at_guard = true;
    /// What a call from code with checks into code without gets below its frame, where the linker (gold, lld) finds
    /// such calls.
    std::size_t non_split_bytes = detail::default_non_split_bytes;
    /// A linked chunk, headroom included; larger where a frame needs it. Rounded up to a power of two.
    std::size_t chunk_bytes = detail::default_chunk_bytes;
    chunk_release release = chunk_release::keep_one;
    /// Of a safe build (docs/safe-build.md): address space for the escape stack, which holds the variables whose
    /// address escapes. Memory is taken where it is touched. Rounded up to a power of two, at least 16 KiB. Where it is
    /// used up, checks add more, up to the larger of this and max_bytes.
    std::size_t escape_bytes = detail::default_escape_bytes;
    /// dense: for code that has compiler checks everywhere. Nothing stops code without checks (libc, `throw`, a signal
    /// handler without SA_ONSTACK) at the end of such a stack of 16 KiB or less: call growstack::native or
    /// this_coroutine::ensure before. A dense stack that does not move needs 6 KiB of headroom.
    stack_layout layout = stack_layout::guarded;
    /// Whether a contiguous stack that yields with less than a quarter in use shrinks at once, by moving. Addresses of
    /// locals must then not be given away over a yield.
    bool shrink_on_yield = false;

    friend auto operator<=>(const stack_options&, const stack_options&) = default;
};

} // namespace growstack
