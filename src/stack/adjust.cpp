// Re-pointing in place. Source: Go runtime/stack.go, adjustpointers, adjustctxt and friends.
#include "stack/adjust.hpp"
#include "base/relocate.hpp"
#include "stack/alloca_block.hpp"
#include "stack/escape.hpp"
#include "stack/jump_buffers.hpp"
#include "stack/pieces.hpp"

namespace growstack::grow {

void adjust_range(bounds range, const displacement& moved) noexcept {
    auto* words = reinterpret_cast<std::uintptr_t*>(range.lo);
    relocate_in_place(words, range.bytes() / sizeof *words, moved);
}

void adjust_attached(stack& self, const displacement& moved) noexcept {
    adjust_range(self.books().attached, moved);
    for (alloca_block* b = self.books().allocas; b; b = b->older) {
        b->frame_sp = moved.apply(b->frame_sp);
        const auto space = reinterpret_cast<std::uintptr_t>(b + 1);
        adjust_range({space, space + b->bytes}, moved);
    }
}

void adjust_frames(stack& self, const displacement& moved) noexcept {
    if (self.is_dead()) return;
    std::uintptr_t sp = 0;
    for_each_piece(self, [&](const piece&, bounds frames) {
        adjust_range(frames, moved);
        sp = frames.lo; // at last, on the first memory: jump buffers are looked for only there
    });
    adjust_escape(self, moved);
    if (!self.has(has_jump_buffers)) return;
    adjust_jump_buffers({sp, self.memory.hi}, self.memory, moved);
    adjust_escaped_jump_buffers(self, self.memory, moved);
}

} // namespace growstack::grow
