// growstack's own code, and the unwinder, have no checks, and a dense stack no guard: where such a stack runs, they get another one,
// or more of it.
#pragma once

#include "fatal.hpp"
#include "room.hpp"

#include <growstack/grow/thread.hpp>
#include <growstack/this_coroutine.hpp>

#include <exception>
#include <utility>

extern "C" {
// Calls f(argument) on the thread's root stack, below where its last resume left it (asm/x86_64_sysv.S).
void growstack_call_on_root_stack(void (*f)(void*), void* argument) noexcept;
}

namespace growstack::grow {

/// Says if code without checks has no more than the headroom here.
inline bool is_stack_tight() noexcept {
    stack* const self = this_thread().running;
    return self && self->kind() && is_tight(*self);
}

/// Calls f(), which throws nothing, with no check failing meanwhile, and with room.
template <class F>
[[gnu::always_inline]] inline void with_room(F f) noexcept {
    const checks_off quiet;
    if (!is_stack_tight()) return f();
    growstack_call_on_root_stack([](void* callable) { (*static_cast<F*>(callable))(); }, &f);
}

/// Makes sure that the unwinder has room here, and whoever catches. Precondition: no lock is held.
inline void make_room_to_throw() {
    constexpr std::size_t throw_bytes = 8 * 1024, least_bytes = 6 * 1024;
    if (!is_stack_tight()) return;
    detail::growstack_ensure(throw_bytes);
    const auto sp = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    stack& self = *this_thread().running;
    if (is_tight(self) && sp - self.memory.lo < least_bytes) detail::fatal_no_room_to_throw(self);
}

/// As with_room, and what f throws is thrown here.
template <class F>
[[gnu::always_inline]] inline void with_room_to_throw(F f) {
    if (!is_stack_tight()) return f();
    std::exception_ptr failure;
    with_room([&] {
        try {
            f();
        } catch (...) {
            failure = std::current_exception();
        }
    });
    if (!failure) return;
    make_room_to_throw();
    std::rethrow_exception(std::move(failure));
}

} // namespace growstack::grow
