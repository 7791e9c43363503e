// What the policies share: the answers to a failed check.
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
