// The policies share these answers to a failed check, and the overflow of a stack that can grow no more.
#pragma once

#include <growstack/detail/stack.hpp>

namespace growstack::grow {

/// Answers a check with "there is room, go on".
inline check_result stay(stack& self, check_frame& frame) noexcept {
    frame.limit = self.update_limit();
    return {&frame, nullptr};
}

/// Answers a check with a chunk; with an overflow where there can be none.
check_result link_chunk(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t argument_bytes);

/// Returns what to do about it.
const char* advice(overflow_reason reason) noexcept;

/// Answers a check whose frame does not fit. Lowers the limit for the destructors on the way and throws stack_overflow;
/// but where the caller does not expect an exception (it calls a leaf, say), lets the callee run in a small part of the
/// headroom, and has every further check ask again.
check_result overflow(stack& self, check_frame& frame, std::size_t frame_bytes, overflow_reason reason);

/// The same where there is nothing to wait for.
[[noreturn]] void throw_stack_overflow(stack& self, const check_frame& frame, std::size_t frame_bytes,
                                       overflow_reason reason);

/// Says if a hard mode asks for a chunk though there may be room. max_bytes still holds.
inline bool must_link(const stack& self) noexcept {
    return self.has(links_always) && !self.has(overflow_unwinds) &&
           self.books().stack_bytes + self.sizes->chunk_bytes <= self.sizes->max_bytes;
}

/// What an alloca that did not fit gets: where the frame lies now, and the space.
struct allocation {
    check_frame* frame;
    void* space;
};

/// Serves an alloca of `bytes` in the frame that called. Throws stack_overflow.
allocation allocate_for_frame(stack& self, check_frame& frame, std::size_t bytes);

} // namespace growstack::grow
