// An alloca that does not fit on the stack.
#include "policy/contiguous.hpp"
#include "policy/policy.hpp"
#include "stack/alloca_block.hpp"

namespace growstack::grow {
namespace {

// Why a stack may not have so many bytes more; nothing if it may.
std::optional<overflow_reason> refusal(const stack& self, std::size_t bytes) noexcept {
    if (!self.policy()->grows()) return self.policy()->overflow;
    if (bytes > self.sizes->max_bytes || self.books().stack_bytes + bytes > self.sizes->max_bytes)
        return overflow_reason::max_bytes;
    return {};
}

} // namespace

allocation allocate_for_frame(stack& self, check_frame& frame, std::size_t bytes) {
    free_alloca_blocks(self, self.innermost(), frame.callee_sp());
    const std::size_t rounded = (bytes + 63) & -std::size_t{64};
    if (const auto reason = refusal(self, bytes < rounded ? rounded : bytes))
        throw_stack_overflow(self, frame, bytes, *reason);
    void* const memory = new_alloca_memory(rounded);
    if (!memory) throw_stack_overflow(self, frame, bytes, overflow_reason::no_memory);
    check_frame* const moved_frame = grow_ahead(self, frame, rounded); // the next one fits
    void* const space = add_alloca_block(self, *moved_frame, memory, rounded);
    stay(self, *moved_frame);
    return {moved_frame, space};
}

} // namespace growstack::grow
