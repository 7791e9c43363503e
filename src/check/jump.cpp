// What setjmp and longjmp do for coroutines' stacks before glibc's do their work.
#include "arch/arch.hpp"
#include "base/fatal.hpp"
#include "sanitizer/valgrind.hpp"
#include "stack/jump_buffers.hpp"
#include "stack/room.hpp"
#include "stack/root_stack.hpp"

#include <growstack/detail/address_sanitizer.hpp>
#include <growstack/detail/chunk.hpp>
#include <growstack/detail/thread.hpp>
#include <growstack/detail/thread_sanitizer.hpp>

#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <unwind.h>

#include <cstddef>
#include <iterator>

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

// With the address space below that may be opened.
bool is_on(const piece& p, std::uintptr_t address) noexcept {
    return address - p.guard().lo <= p.memory.hi - p.guard().lo;
}

bool is_on_stack(stack& self, std::uintptr_t address) noexcept {
    for (chunk* c = self.top; c; c = c->older)
        if (is_on(piece_of(self, c), address)) return true;
    return is_on(piece_of(self, nullptr), address);
}

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
    if (this_thread().running == &self) walk(&search);
    else growstack_call_from_context(self.context, walk, &search);
    return !search.hi || (search.hi == books.jump_pin && search.function == books.jump_function);
}

// A function without unwind tables pins its stack for good.
void pin_until_return(stack& self, std::uintptr_t sp) noexcept {
    frame_search search{sp, self.memory.hi};
    growstack_call_on_root_stack(walk, &search);
    if (!search.hi) search.hi = self.memory.hi;
    if (has_jump_pin(self, sp) && self.books().jump_pin > search.hi) return;
    self.books().jump_pin = search.hi;
    self.books().jump_function = search.function;
}

stack* running_coroutine() noexcept {
    stack* const running = this_thread().running;
    return running && running->kind() ? running : nullptr;
}

// Native code cannot leave its call by a jump into the coroutine that has made it: that one's books would stay half
// done.
void check_jump_from_native(std::uintptr_t sp) noexcept {
    const native_call* const native = this_thread().native;
    if (native && is_on_stack(*native->caller, sp)) detail::fatal_jump(*native->caller, "out of growstack::native");
}

// ThreadSanitizer finds a buffer by the sp in it, which a move changes, and takes deeper frames for lower ones, which
// chunks are not. So coroutines' jumps pass by its functions; what those do, keep the number of calls that it has
// noted, is done here.
std::uint32_t& noted_calls_in(const void* env) noexcept {
    return static_cast<std::uint32_t*>(const_cast<void*>(env))[jmp_buf_spare];
}

constexpr const char* jumps[] = {"setjmp",   "_setjmp",    "__sigsetjmp",  "longjmp",
                                 "_longjmp", "siglongjmp", "__longjmp_chk"};
constinit void* next_jumps[std::size(jumps)] = {};
constinit void* glibcs_jumps[std::size(jumps)] = {}; // where that is not the same

// When the program starts: there is no room for it on a coroutine's stack.
[[gnu::constructor(102)]] void find_glibcs_jumps() noexcept {
    if (!has_fibers()) return;
    void* const glibc = ::dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD);
    for (std::size_t i = 0; glibc && i < std::size(jumps); ++i) glibcs_jumps[i] = ::dlsym(glibc, jumps[i]);
}

} // namespace

bool has_jump_pin(stack& self, std::uintptr_t sp) noexcept {
    std::uintptr_t& pin = self.books().jump_pin;
    if (pin && (sp >= pin || !has_pinning_frame(self))) pin = 0;
    return pin != 0;
}

} // namespace growstack::grow

using namespace growstack::grow;

extern "C" {

void growstack_note_setjmp(const void* env, std::uintptr_t sp) noexcept {
    stack* const self = running_coroutine();
    if (self && has_fibers()) noted_calls_in(env) = static_cast<std::uint32_t>(noted_calls());
    if (!self || !self->kind()->is_movable) return;
    const checks_off quiet;
    const piece first = piece_of(*self, nullptr);
    if (is_on(first, reinterpret_cast<std::uintptr_t>(env))) self->has_jump_buffers = true;
    else if (is_on(first, sp)) pin_until_return(*self, sp);
}

constexpr std::size_t plain_longjmp = 3, checked_longjmp = 6;

/// Which of glibc's functions is to jump, and sp for its call; 0: where it was called.
struct prepared_jump {
    std::size_t index;
    std::uintptr_t sp;
};

/// On the thread's root stack, or that of whatever code runs outside coroutines.
prepared_jump growstack_prepare_jump(const void* env, std::size_t index) noexcept {
    const std::uintptr_t sp = decoded(static_cast<const std::uintptr_t*>(env)[jmp_buf_sp]);
    stack* const self = running_coroutine();
    if (!self) {
        check_jump_from_native(sp);
        return {index, 0};
    }
    if (!is_on_stack(*self, sp)) growstack::detail::fatal_jump(*self, "to a frame that is not on its stack");
    for (chunk* c; (c = self->top) && !is_on(piece_of(*self, c), sp); pop_chunk(*c->entered_from))
        forget_frames(c->memory);
    forget_frames({piece_of(*self, self->top).accessible_lo(), sp});
    if (has_fibers()) forget_calls(noted_calls_in(env));
    growstack::detail::write_limit(self->update_limit());
    // glibc's checked one knows nothing of chunks.
    return {index == checked_longjmp ? plain_longjmp : index, sp & ~std::uintptr_t{15}};
}

/// Returns glibc's function, or that of a sanitizer before it.
void* growstack_find_jump(std::size_t index) noexcept {
    const bool is_glibcs = has_fibers() && running_coroutine();
    void*& function = is_glibcs ? glibcs_jumps[index] : next_jumps[index];
    if (!function && !is_glibcs) function = ::dlsym(RTLD_NEXT, jumps[index]);
    if (!function) growstack::detail::fatal_no_jump(jumps[index]);
    return function;
}
}
