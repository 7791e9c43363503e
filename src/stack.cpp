// The end of a stack.
#include <growstack/grow/alloca_block.hpp>
#include <growstack/grow/family.hpp>
#include <growstack/grow/stack.hpp>
#include <growstack/grow/stackalloc.hpp>

namespace growstack::grow {

void release_stack(stack& self) noexcept {
    leave_family(self);
    release_chunks(self);
    free_alloca_blocks(self, {0, UINTPTR_MAX}, UINTPTR_MAX);
    if (self.memory.hi) stackfree(self.memory);
    self.memory = {};
    self.counts.stack_bytes = 0;
}

} // namespace growstack::grow
