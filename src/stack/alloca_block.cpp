// Space for allocas that do not fit.
#include "base/modes.hpp"
#include "base/outward_call.hpp"
#include "policy/policy.hpp"
#include "sanitizer/address_shadow.hpp"

#include <growstack/detail/address_sanitizer.hpp>
#include "stack/alloca_block.hpp"

#include <algorithm>
#include <new>

namespace growstack::grow {
namespace {

constexpr std::align_val_t alignment{alignof(alloca_block)};

void* new_memory(std::size_t bytes) noexcept {
    return is_sanitized() ? take_above_stacks(bytes) : ::operator new(bytes, alignment, std::nothrow);
}

void delete_block(alloca_block* b) noexcept {
    if (is_sanitized()) give_above_stacks(b, sizeof *b + b->bytes);
    else ::operator delete(b, alignment);
}

// The caller may count on its sp being a multiple of 64: for vectors that it passes on the stack, say.
std::size_t lowering_at(std::uintptr_t sp) noexcept { return std::min(sp & -sp, std::size_t{64}); }

} // namespace

void free_alloca_blocks(stack& self, bounds memory, std::uintptr_t sp) noexcept {
    if (!self.books().allocas) return;
    const outward_call outward;
    for (alloca_block** link = &self.books().allocas; alloca_block* b = *link;) {
        if (memory.contains(b->frame_sp) && b->frame_sp < sp) {
            *link = b->older;
            self.books().stack_bytes -= sizeof *b + b->bytes;
            delete_block(b);
        } else {
            link = &b->older;
        }
    }
}

allocation allocate_for_frame(stack& self, check_frame& frame, std::size_t bytes) {
    free_alloca_blocks(self, self.innermost(), frame.callee_sp());
    const std::size_t rounded = (bytes + 63) & ~std::size_t{63};
    if (self.kind() == &fixed_policy) throw_stack_overflow(self, frame, bytes, overflow_reason::fixed_size);
    if (self.kind() == &reserved_policy) throw_stack_overflow(self, frame, bytes, overflow_reason::reserved_size);
    if (bytes > self.sizes->max_bytes || self.books().stack_bytes + rounded > self.sizes->max_bytes)
        throw_stack_overflow(self, frame, bytes, overflow_reason::max_bytes);
    void* memory = new_memory(sizeof(alloca_block) + rounded);
    if (!memory) throw_stack_overflow(self, frame, bytes, overflow_reason::no_memory);
    check_frame* moved_frame = grow_ahead(self, frame, rounded); // the next one fits
    const std::uintptr_t sp = moved_frame->callee_sp();
    if (is_sanitized())
        forget_frames({sp, self.innermost().hi}); // nobody is going to clear what the frame's other allocas have marked
    const bool is_first = !self.books().allocas || self.books().allocas->frame_sp != sp;
    moved_frame->lowered_by = is_first ? lowering_at(sp) : 0;
    auto* block = new (memory) alloca_block{self.books().allocas, sp - moved_frame->lowered_by, rounded};
    self.books().allocas = block;
    count_bytes(self, sizeof *block + rounded, 0);
    if (self.top) self.top->is_kept = false; // its return must come by pop_chunk, which frees the block
    stay(self, *moved_frame);
    return {moved_frame, block + 1};
}

} // namespace growstack::grow
