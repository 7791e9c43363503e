// Looks for what keeps a stack from moving.
#include "stack/obstacle.hpp"
#include "sanitizer/address_shadow.hpp"
#include "stack/jump_buffers.hpp"
#include "system/exceptions_in_flight.hpp"

#include <iterator>

namespace growstack::grow {
namespace {

// While a coroutine is left no library code has begun that would mind a move. But then the thread's exception state may
// already belong to the next coroutine, and the stack that is left may not be the running one any more.
bool is_library_running(const stack& self) noexcept {
    const std::uintptr_t limit = detail::read_limit();
    if (limit == detail::limit_check_never || limit == detail::limit_in_transition) return true;
    return this_thread().running != &self || (limit == detail::limit_switching && self.exceptions.in_flight);
}

bool has_exceptions_in_flight(const stack& self, moment when) noexcept {
    return when == moment::suspended ? self.exceptions.in_flight != 0 : exceptions_in_flight();
}

constexpr const char* passing_advice =
    "an exception is in flight, or a chunk is linked, or growstack itself runs, and the stack must not move: call "
    "this_coroutine::ensure before";
constexpr const char* hidden_locals_advice =
    "AddressSanitizer keeps locals in its heap, and the stack must not move: compile without "
    "-fsanitize-address-use-after-return=always";
constexpr const char* large_frame_advice =
    "a frame is larger than the address space below the stack: compile that code with -fstack-clash-protection, or "
    "call it through growstack::call";
constexpr const char* pin_advice =
    "a growstack::pin lives, or a jmp_buf outside the stack, and the stack must not move: call this_coroutine::ensure "
    "before the pin, or growstack::native";

// In the order of `obstacle`.
constexpr const char* advice_of[] = {
    "",
    passing_advice,
    passing_advice,
    "", // the policy's own
    pin_advice,
    passing_advice,
    "stack_options::move_at_guard is off: compile that code with -fsplit-stack, or call this_coroutine::ensure before",
    pin_advice,
    hidden_locals_advice,
    passing_advice,
    large_frame_advice,
};
static_assert(std::size(advice_of) == static_cast<unsigned>(obstacle::large_frame) + 1);

} // namespace

obstacle obstacle_to_move(stack& self, std::uintptr_t sp, moment when) noexcept {
    const bool is_fault = when == moment::fault;
    if (is_fault && is_library_running(self)) return obstacle::library;
    if (is_fault && self.books().destroyer) return obstacle::unwinding;
    if (!self.policy()->moves) return obstacle::policy;
    if (self.pins) return obstacle::pin;
    if (self.innermost_chunk) return obstacle::chunk;
    if (is_fault && !self.sizes->move_at_guard) return obstacle::option;
    if (has_jump_pin(self, sp)) return obstacle::jump_buffer;
    if (has_fake_stack(self)) return obstacle::hidden_locals;
    return has_exceptions_in_flight(self, when) ? obstacle::exception : obstacle::none;
}

bool will_pass(const stack& self, obstacle o) noexcept {
    switch (o) {
        case obstacle::none: return false;
        case obstacle::library:
        case obstacle::unwinding:
        case obstacle::chunk:
        case obstacle::exception: return true;
        default:
            return detail::read_limit() == detail::limit_switching || (self.policy()->moves && exceptions_in_flight());
    }
}

const char* advice(const stack& self, obstacle o) noexcept {
    return o == obstacle::policy ? self.policy()->guard_advice : advice_of[static_cast<unsigned>(o)];
}

} // namespace growstack::grow
