// Shared by the files that answer a failed check.
#pragma once

#include <growstack/detail/stack.hpp>

#include <cstddef>
#include <optional>

namespace growstack::grow {

/// Why a call does not fit.
enum class overflow_reason { fixed_size, reserved_size, max_bytes, no_memory };

/// Returns what to do about it.
const char* advice(overflow_reason reason) noexcept;

/// What an alloca that did not fit gets: where the frame lies now, and the space.
struct allocation {
    check_frame* frame;
    void* space;
};

/// Serves an alloca of `bytes` in the frame that called. Throws stack_overflow.
allocation allocate_for_frame(stack& self, check_frame& frame, std::size_t bytes);

/// Moves a contiguous stack that is not pinned so that `bytes` more fit below the frame; does nothing if max_bytes
/// does not allow it. Returns the frame's new place.
check_frame* grow_ahead(stack& self, check_frame& frame, std::size_t bytes) noexcept;

/// Moves a contiguous stack whose code is at whatever instruction, so that the stack reaches down to needed_lo. Frames
/// begin at live_lo; the code is at ip. Allocates and frees nothing in the heap. Returns why that is not possible.
std::optional<overflow_reason> move_at_fault(stack& self, std::uintptr_t live_lo, std::uintptr_t needed_lo,
                                             std::uintptr_t ip, displacement& moved) noexcept;

/// Says if a contiguous stack, whose innermost frame has this sp, must not move now: something outside knows addresses
/// in it.
bool is_pinned(stack& self, std::uintptr_t sp) noexcept;

/// The same, but for exceptions in flight.
bool has_pin(stack& self, std::uintptr_t sp) noexcept;

/// Answers a check with "there is room, go on".
check_result stay(stack& self, check_frame& frame) noexcept;

/// Says if a hard mode asks for a chunk though there may be room. max_bytes still holds.
inline bool must_link(const stack& self) noexcept {
    return self.has(links_always) && !self.is_limit_lowered &&
           self.books().stack_bytes + self.sizes->chunk_bytes <= self.sizes->max_bytes;
}

/// Says if an exception of the running coroutine is thrown and not caught yet. The unwinder then keeps addresses of
/// the stack in the heap (_Unwind_Exception.private_2): it must not move, unless handler_addresses follow.
bool exceptions_in_flight() noexcept;

/// Answers a check whose frame does not fit. Lowers the limit for the destructors on the way and throws stack_overflow;
/// but where the caller does not expect an exception (it calls a leaf, say), lets the callee run in a small part of the
/// headroom, and has every further check ask again.
check_result overflow(stack& self, check_frame& frame, std::size_t frame_bytes, overflow_reason reason);

/// The same where there is nothing to wait for.
[[noreturn]] void throw_stack_overflow(stack& self, const check_frame& frame, std::size_t frame_bytes,
                                       overflow_reason reason);

/// Keeps the books when a stack's memory grows by `more` and shrinks by `less` bytes.
inline void count_bytes(stack& self, std::size_t more, std::size_t less) noexcept {
    self.books().stack_bytes += more;
    if (self.books().stack_bytes > self.books().counts.peak_stack_bytes)
        self.books().counts.peak_stack_bytes = self.books().stack_bytes;
    self.books().stack_bytes -= less;
}

} // namespace growstack::grow
