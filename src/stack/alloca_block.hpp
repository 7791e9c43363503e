// An alloca or a variable array that did not fit on the stack: it lives in a block of its own, tied to the frame.
//
// The frame returns without telling anybody. So a block is freed once it is seen that sp has gone back above the
// frame's: at the next such alloca, at a move, when its chunk is unlinked, and with the stack. The frame's first such
// alloca lowers its sp a little, as an alloca may: the next activation in the same place then begins above that.
// Source: the portable alloca.c of the GNU project, and libgcc's dynamic_allocation_blocks.
#pragma once

#include <growstack/detail/stack.hpp>

#include <cstddef>

namespace growstack::grow {

struct alignas(64) alloca_block {
    alloca_block* older;
    std::uintptr_t frame_sp; // sp of the frame it belongs to, lowered
    std::size_t bytes;       // that follow this header
};

/// Frees the blocks of frames in `memory` that have returned, given sp there.
void free_alloca_blocks(stack& self, bounds memory, std::uintptr_t sp) noexcept;

} // namespace growstack::grow
