// AddressSanitizer's view of the stacks. Its functions are weak references: null in programs without it.
#include "base/outward_call.hpp"

#include <growstack/detail/address_sanitizer.hpp>
#include <growstack/detail/thread.hpp>
#include "memory/stackalloc.hpp"

#include <cstddef>

extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** save, const void* lo, std::size_t bytes);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* saved, const void** lo, std::size_t* bytes);
}

namespace growstack::grow {
namespace {

bool is_absent() noexcept { return !__sanitizer_start_switch_fiber; }

void*& state_of(stack& s) noexcept { return s.kind() ? s.books().sanitizer_state : this_thread().sanitizer_state; }

const void* pointer(std::uintptr_t address) noexcept { return reinterpret_cast<const void*>(address); }

// Frames may lie in the growth room, too.
bounds with_room_below(bounds memory, stack_layout layout) noexcept { return {guard_of(memory, layout).lo, memory.hi}; }

bounds innermost_with_room(const stack& self) noexcept {
    if (!self.kind()) return self.memory; // a thread's own
    if (self.top) return with_room_below(self.top->memory, stack_layout::guarded);
    return with_room_below(self.memory, self.sizes->layout);
}

} // namespace

void announce_switch(stack& from, const stack& to, bool dies) noexcept {
    if (is_absent()) return;
    const bounds memory = innermost_with_room(to);
    __sanitizer_start_switch_fiber(dies ? nullptr : &state_of(from), pointer(memory.lo), memory.bytes());
}

void confirm_switch(stack& self, stack& came_from) noexcept {
    if (is_absent()) return;
    const void* lo = nullptr;
    std::size_t bytes = 0;
    __sanitizer_finish_switch_fiber(state_of(self), &lo, &bytes);
    const bool is_thread = !came_from.kind(); // only AddressSanitizer knows a thread's own stack
    if (is_thread)
        came_from.memory = {reinterpret_cast<std::uintptr_t>(lo), reinterpret_cast<std::uintptr_t>(lo) + bytes};
}

void announce_memory(const stack& self) noexcept {
    if (is_absent()) return;
    const outward_call outward;
    const bounds memory = innermost_with_room(self);
    void* state = nullptr;
    __sanitizer_start_switch_fiber(&state, pointer(memory.lo), memory.bytes());
    __sanitizer_finish_switch_fiber(state, nullptr, nullptr);
}

void forget_innermost_frames(const stack& self) noexcept {
    if (!is_absent()) forget_frames(innermost_with_room(self));
}

void forget_all_frames(const stack& self) noexcept {
    if (is_absent()) return;
    forget_frames(with_room_below(self.memory, self.sizes->layout));
    for (const chunk* c = self.top; c; c = c->older) forget_frames(with_room_below(c->memory, stack_layout::guarded));
}

bool has_sanitizer() noexcept { return !is_absent(); }

} // namespace growstack::grow
