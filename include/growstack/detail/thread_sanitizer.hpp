// Tells ThreadSanitizer which coroutine runs. Programs built without it pay nothing.
//
// To it a coroutine is a fiber: what it calls is recorded there, and what it does comes after all that its resumer has
// done before. Only who resumes says so, before the jump and after it: a yield, the end and an unwind all come out
// there.
//
// Source: compiler-rt's sanitizer/tsan_interface.h, __tsan_switch_to_fiber and its siblings.
#pragma once

#include <cstddef>

namespace growstack::grow {

struct stack;

#if defined(__SANITIZE_THREAD__)
inline constexpr bool has_thread_sanitizer = true;
#elif defined(__has_feature)
inline constexpr bool has_thread_sanitizer = __has_feature(thread_sanitizer);
#else
inline constexpr bool has_thread_sanitizer = false;
#endif

// In the library, which is never instrumented itself: they ask at run time if ThreadSanitizer is there.

/// Before a switch to `to`: goes over to its fiber, which is made at the first one. Returns the fiber that is left.
void* enter_tsan_fiber(stack& to) noexcept;

/// After the switch back: goes over to the fiber that enter_tsan_fiber() has returned.
void leave_tsan_fiber(void* fiber) noexcept;

/// Gives the fiber of a stack that no code runs on any more back.
void free_tsan_fiber(stack& self) noexcept;

/// Returns how many calls ThreadSanitizer has noted that have not returned, of the fiber that runs.
std::size_t noted_calls() noexcept;

/// Forgets those above so many: a jump has left them.
void forget_calls(std::size_t count) noexcept;

/// Says if the program runs under ThreadSanitizer.
bool has_thread_sanitizer_runtime() noexcept;

} // namespace growstack::grow
