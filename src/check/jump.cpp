// setjmp and longjmp come here first, before glibc's do their work.
#include "sanitizer/address.hpp"
#include "stack/chunk.hpp"
#include "stack/escape.hpp"
#include "stack/jump_buffers.hpp"
#include "stack/root_stack.hpp"

#include <dlfcn.h>
#include <gnu/lib-names.h>

#include <cstddef>
#include <iterator>

namespace growstack::grow {
namespace {

stack* running_coroutine() noexcept {
    stack* const running = this_thread().running;
    return running && running->policy() ? running : nullptr;
}

// Native code cannot leave its call by a jump into the coroutine that has made it: that one's books would stay half
// done.
void check_jump_from_native(std::uintptr_t sp) noexcept {
    const native_call* const native = this_thread().native;
    if (native && is_on(*native->caller, sp)) detail::fatal_jump(*native->caller, "out of growstack::native");
}

// ThreadSanitizer finds a buffer by the sp in it, which a move changes, and assumes that a deeper frame has a lower
// address; on a chunk that is not so. So coroutines' jumps pass by its functions; what those do, keep the number of
// calls that it has noted, is done here. In a safe build, which excludes ThreadSanitizer, the word holds how much of
// the escape stack is in use.
std::uint32_t& spare_in(const void* env) noexcept {
    return static_cast<std::uint32_t*>(const_cast<void*>(env))[jmp_buf_spare];
}

void pop_chunks_below(stack& self, std::uintptr_t sp) noexcept {
    if (!is_on(self, sp)) growstack::detail::fatal_jump(self, "to a frame that is not on its stack");
    for (chunk* c; (c = self.innermost_chunk) && !piece_of(self, c).has(sp); pop_chunk(*c->entered_from))
        forget_frames(c->memory);
    forget_frames({innermost_piece(self).accessible_lo(), sp});
}

constexpr const char* jumps[] = {"setjmp",   "_setjmp",    "__sigsetjmp",  "longjmp",
                                 "_longjmp", "siglongjmp", "__longjmp_chk"};
constinit void* next_jumps[std::size(jumps)] = {};
constinit void* glibcs_jumps[std::size(jumps)] = {}; // where that is not the same

// When the program starts: there is no room for it on a coroutine's stack.
[[gnu::constructor(102)]] void find_glibcs_jumps() noexcept {
    if (!has_thread_sanitizer_runtime()) return;
    void* const glibc = ::dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD);
    for (std::size_t i = 0; glibc && i < std::size(jumps); ++i) glibcs_jumps[i] = ::dlsym(glibc, jumps[i]);
}

} // namespace
} // namespace growstack::grow

using namespace growstack::grow;

extern "C" {

void growstack_note_addresses(const void* holder, std::uintptr_t frame) noexcept;

void growstack_note_setjmp(const void* env, std::uintptr_t sp) noexcept {
    stack* const self = running_coroutine();
    if (self && has_thread_sanitizer_runtime()) spare_in(env) = static_cast<std::uint32_t>(noted_calls());
    if (self && growstack::detail::has_escape_stacks()) spare_in(env) = escape_depth(*self);
    growstack_note_addresses(env, sp);
}

// Something at `holder` has addresses that a move re-points only where it lies on one of the coroutine's two stacks:
// elsewhere, it pins the stack as long as the frame at `frame` is there. In a safe build Clang's plugin
// (packaging/llvm) calls this for the buffer of a __builtin_setjmp.
void growstack_note_addresses(const void* holder, std::uintptr_t frame) noexcept {
    stack* const self = running_coroutine();
    if (!self || !self->policy()->moves) return;
    const checks_off quiet;
    const piece first = piece_of(*self, nullptr);
    const auto address = reinterpret_cast<std::uintptr_t>(holder);
    if (first.has(address) || is_on_escape(*self, address)) self->add(has_jump_buffers);
    else if (first.has(frame)) pin_until_return(*self, frame);
}

// A va_list has the address of the registers that its variadic function has saved in its frame, behind that of the
// other arguments. The plugin calls this, too.
void growstack_note_va_list(const void* list) noexcept {
    constexpr std::size_t saved_registers = 2;
    growstack_note_addresses(list, static_cast<const std::uintptr_t*>(list)[saved_registers]);
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
    pop_chunks_below(*self, sp);
    if (has_thread_sanitizer_runtime()) forget_calls(spare_in(env));
    if (growstack::detail::has_escape_stacks()) return_to_escape_depth(*self, spare_in(env));
    growstack::detail::write_limit(self->update_limit());
    // glibc's checked one knows nothing of chunks.
    return {index == checked_longjmp ? plain_longjmp : index, sp & ~std::uintptr_t{15}};
}

/// The same for __builtin_longjmp, which leaves the escape pointer to the function that it goes to.
void growstack_prepare_builtin_jump(std::uintptr_t sp) noexcept {
    stack* const self = running_coroutine();
    if (!self) return check_jump_from_native(sp);
    pop_chunks_below(*self, sp);
    growstack::detail::write_limit(self->update_limit());
}

/// Returns glibc's function, or that of a sanitizer before it.
void* growstack_find_jump(std::size_t index) noexcept {
    const bool is_glibcs = has_thread_sanitizer_runtime() && running_coroutine();
    void*& function = is_glibcs ? glibcs_jumps[index] : next_jumps[index];
    if (!function && !is_glibcs) function = ::dlsym(RTLD_NEXT, jumps[index]);
    if (!function) growstack::detail::fatal_no_jump(jumps[index]);
    return function;
}
}
