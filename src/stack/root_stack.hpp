// growstack's own code, and the unwinder, have no checks, and a dense stack no guard: where such a stack runs, they get
// another one, or more of it.
#pragma once

#include "arch/arch.hpp"
#include "base/fatal.hpp"
#include "stack/room.hpp"

#include <growstack/this_coroutine.hpp>

#include <exception>
#include <utility>

namespace growstack::grow {

/// Calls f(), which throws nothing, with no check failing meanwhile, and with room.
template <class F>
[[gnu::always_inline]] inline void with_room(F f) noexcept {
    const checks_off quiet;
    if (!is_stack_tight()) return f();
    growstack_call_on_root_stack([](void* callable) { (*static_cast<F*>(callable))(); }, &f);
}

/// Makes sure that there are so many bytes here, or at least `least`. A stack that does not move has them below its
/// limit. Precondition: no lock is held.
inline void ensure_room(std::size_t bytes, std::size_t least) {
    if (!is_stack_tight()) return;
    if (this_thread().running->policy()->moves) detail::growstack_ensure(bytes);
    const auto sp = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    stack& self = *this_thread().running;
    if (is_tight(self) && sp - self.memory.lo < least) detail::fatal_no_room_to_throw(self);
}

/// Makes sure that the unwinder has room here, and whoever catches.
inline void ensure_room_to_throw() { ensure_room(detail::dense_throw_bytes, detail::least_throw_bytes); }

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
    ensure_room_to_throw();
    std::rethrow_exception(std::move(failure));
}

} // namespace growstack::grow
