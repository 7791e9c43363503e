// Jump buffers of a stack that moves.
#include "stack/jump_buffers.hpp"
#include "base/outward_call.hpp"
#include "sanitizer/valgrind.hpp"
#include "stack/root_stack.hpp"

#include <unwind.h>

#include <cstddef>

namespace growstack::grow {

void adjust_jump_buffers(bounds where, bounds frames, const displacement& moved) noexcept {
    const valgrind_ignores quiet; // most words are no buffer's, and many nobody has written to
    auto* const words = reinterpret_cast<std::uintptr_t*>(where.lo);
    const std::size_t count = where.bytes() / sizeof *words;
    for (std::size_t i = jmp_buf_sp; i < count; ++i) {
        const std::uintptr_t sp = decoded(words[i]);
        if (!frames.contains(sp)) continue;
        std::uintptr_t& fp = words[i - jmp_buf_sp + jmp_buf_fp];
        words[i] = encoded(moved.apply(sp));
        fp = encoded(moved.apply(decoded(fp)));
    }
}

namespace {

// A frame of a function that has called setjmp.
struct frame_search {
    std::uintptr_t address; // in the frame
    std::uintptr_t memory_hi;
    std::uintptr_t hi = 0; // of the frame, without its return address: whatever its caller calls next has its own there
    std::uintptr_t function = 0;
};

_Unwind_Reason_Code look_at_frame(_Unwind_Context* context, void* argument) {
    auto& search = *static_cast<frame_search*>(argument);
    const std::uintptr_t lo = _Unwind_GetCFA(context); // in this callback: sp where the frame has called
    if (lo > search.address && lo <= search.memory_hi) {
        search.hi = lo - sizeof lo;
        return _URC_NORMAL_STOP;
    }
    search.function = _Unwind_GetRegionStart(context);
    return _URC_NO_REASON;
}

void walk(void* search) { _Unwind_Backtrace(look_at_frame, search); }

// Says if the pinning frame is still there: whatever runs now may have gone as deep after it had returned.
bool has_pinning_frame(const stack& self) noexcept {
    const stack_books& books = self.books();
    frame_search search{books.jump_pin - 1, self.memory.hi};
    const outward_call outward; // each failed check asks
    if (this_thread().running == &self) walk(&search);
    else growstack_call_from_context(self.context, walk, &search);
    return !search.hi || (search.hi == books.jump_pin && search.function == books.jump_function);
}

} // namespace

// A function without unwind tables pins its stack for good.
void pin_until_return(stack& self, std::uintptr_t sp) noexcept {
    frame_search search{sp, self.memory.hi};
    growstack_call_on_root_stack(walk, &search);
    if (!search.hi) search.hi = self.memory.hi;
    if (has_jump_pin(self, sp) && self.books().jump_pin > search.hi) return;
    self.books().jump_pin = search.hi;
    self.books().jump_function = search.function;
}

bool has_jump_pin(stack& self, std::uintptr_t sp) noexcept {
    std::uintptr_t& pin = self.books().jump_pin;
    if (pin && (sp >= pin || !has_pinning_frame(self))) pin = 0;
    return pin != 0;
}

} // namespace growstack::grow
