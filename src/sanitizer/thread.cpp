// ThreadSanitizer's view of the stacks. Its functions are weak references: null in programs without it.
#include "base/modes.hpp"

#include <growstack/detail/stack.hpp>
#include <growstack/detail/thread_sanitizer.hpp>

#include <utility>

extern "C" {
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned flags);
[[gnu::weak]] void __tsan_destroy_fiber(void* fiber);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fiber, unsigned flags);
[[gnu::weak]] void __tsan_func_exit();
[[gnu::weak]] unsigned long __tsan_testonly_shadow_stack_current_size();
}

namespace growstack::grow {
namespace {

constexpr unsigned synchronise = 0; // what one side did before the switch happens before what the other does after it

} // namespace

void* enter_tsan_fiber(stack& to) noexcept {
    if (!has_thread_sanitizer_runtime()) return nullptr;
    void*& fiber = to.books().sanitizer_state;
    if (!fiber) fiber = __tsan_create_fiber(0);
    void* const left = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber, synchronise);
    return left;
}

void leave_tsan_fiber(void* fiber) noexcept {
    if (fiber) __tsan_switch_to_fiber(fiber, synchronise);
}

void free_tsan_fiber(stack& self) noexcept {
    if (!has_thread_sanitizer_runtime() || !self.books().sanitizer_state) return;
    __tsan_destroy_fiber(std::exchange(self.books().sanitizer_state, nullptr));
}

// Exported by GCC 12's runtime and Clang 14's; without it what a jump leaves stays noted.
std::size_t noted_calls() noexcept {
    return __tsan_testonly_shadow_stack_current_size ? __tsan_testonly_shadow_stack_current_size() : 0;
}

void forget_calls(std::size_t count) noexcept {
    while (noted_calls() > count) __tsan_func_exit();
}

bool has_thread_sanitizer_runtime() noexcept { return __tsan_switch_to_fiber; }

namespace {

[[gnu::constructor(102)]] void note_sanitizer() noexcept {
    if (has_thread_sanitizer_runtime()) stress_bits |= thread_sanitizer_bit;
}

} // namespace

} // namespace growstack::grow
