// Space for allocas that do not fit.
#include "stack/alloca_block.hpp"
#include "base/modes.hpp"
#include "base/outward_call.hpp"
#include "sanitizer/address.hpp"
#include "sanitizer/address_shadow.hpp"

#include <algorithm>
#include <new>

namespace growstack::grow {
namespace {

constexpr std::align_val_t alignment{alignof(alloca_block)};

void* new_memory(std::size_t bytes) noexcept {
    return is_under_address_sanitizer() ? take_above_stacks(bytes) : ::operator new(bytes, alignment, std::nothrow);
}

void delete_block(alloca_block* b) noexcept {
    if (is_under_address_sanitizer()) give_above_stacks(b, sizeof *b + b->bytes);
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

void* new_alloca_memory(std::size_t bytes) noexcept {
    const outward_call outward;
    return new_memory(sizeof(alloca_block) + bytes);
}

void* add_alloca_block(stack& self, check_frame& frame, void* memory, std::size_t bytes) noexcept {
    const std::uintptr_t sp = frame.callee_sp();
    forget_frames({sp, self.innermost().hi}); // nobody is going to clear what the frame's other allocas have marked
    const bool is_first = !self.books().allocas || self.books().allocas->frame_sp != sp;
    frame.lowered_by = is_first ? lowering_at(sp) : 0;
    auto* block = new (memory) alloca_block{self.books().allocas, sp - frame.lowered_by, bytes};
    self.books().allocas = block;
    self.count_bytes(sizeof *block + bytes, 0);
    if (chunk* const c = self.innermost_chunk) c->is_kept = false; // it must return by pop_chunk, which frees the block
    return block + 1;
}

} // namespace growstack::grow
