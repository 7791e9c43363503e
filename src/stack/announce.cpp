// Tells AddressSanitizer where the stack is: at a switch, and where growth changes the memory that code runs on.
#include "stack/announce.hpp"
#include "base/modes.hpp"
#include "base/outward_call.hpp"
#include "base/watch.hpp"
#include "sanitizer/address_shadow.hpp"
#include "stack/pieces.hpp"
#include "system/exceptions_in_flight.hpp"

#include <growstack/detail/address_sanitizer.hpp>

namespace growstack::grow {
namespace {

void*& state_of(stack& s) noexcept { return s.policy() ? s.books().sanitizer_state : this_thread().sanitizer_state; }

// Frames may lie in the growth room, too.
bounds innermost_with_room(stack& self) noexcept {
    return self.policy() ? innermost_piece(self).with_room() : self.memory;
}

} // namespace

void announce_switch(stack& from, stack& to, bool dies) noexcept {
    if (has_address_sanitizer_runtime()) start_switch(dies ? nullptr : &state_of(from), innermost_with_room(to));
}

void confirm_switch(stack& self, stack& came_from) noexcept {
    if (!has_address_sanitizer_runtime()) return;
    const bounds left = finish_switch(state_of(self));
    if (!came_from.policy()) came_from.memory = left; // only AddressSanitizer knows a thread's own stack
}

namespace {

// A function of its own: native() calls announce_memory on a stack that may be dense, and this frame is large.
[[gnu::noinline]] void announce_to_sanitizer(stack& self) noexcept {
    const outward_call outward;
    void* state = nullptr;
    start_switch(&state, innermost_with_room(self));
    finish_switch(state);
}

} // namespace

void announce_memory(stack& self) noexcept {
    if (has_address_sanitizer_runtime()) announce_to_sanitizer(self);
}

void forget_innermost_frames(stack& self) noexcept {
    if (has_address_sanitizer_runtime()) forget_frames(innermost_with_room(self));
}

void forget_all_frames(stack& self) noexcept {
    if (!has_address_sanitizer_runtime()) return;
    for_each_piece(self, 0, [](const piece& p, bounds) { forget_frames(p.with_room()); });
}

namespace {

void hear(const growth_step& step) noexcept {
    stack& self = step.self;
    const bool is_running = this_thread().running == &self && detail::read_limit() != detail::limit_switching;
    switch (step.kind) {
        case trace_event::adjust:
            move_shadow({step.move->live.marked_lo, step.move->old.hi}, step.move->moved.distance);
            if (is_running) announce_memory(self); // one that is being left is announced when it is entered again
            return;
        case trace_event::push_chunk: return announce_memory(self);
        case trace_event::pop_chunk:
            announce_memory(self);
            if (exceptions_in_flight()) forget_innermost_frames(self);
            return;
        default: return;
    }
}

[[gnu::constructor(102)]] void watch_for_sanitizer() noexcept {
    if (has_address_sanitizer_runtime()) watch(watch_place::address_sanitizer, hear);
}

} // namespace

} // namespace growstack::grow
