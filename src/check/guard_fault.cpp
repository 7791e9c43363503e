// The guard check. A fault is ours if the running coroutine touches its stack, that is, at or above sp, less the red
// zone, and below what is accessible. Then, in this order:
//
//      in place      the growth room is opened as far as needed: at any instruction, in any code
//      move          the room is used up and the stack is contiguous: at this instruction. While an exception is in
//                    flight, or a chunk is linked, the reserve is opened first
//      overflow      neither is possible: a message, and abort
//
//            guard page    reserve      room           memory
//      lo   |inaccessible|           |               |  headroom  |  frames   |   hi
//                                    ^ in place; a frame that ends below it, in the reserve, is still in its own space
//
// Source: the kernel's own expand_stack, and libsigsegv.
#include "check/guard_fault.hpp"
#include "base/fatal.hpp"
#include "base/modes.hpp"
#include "check/spare.hpp"
#include "memory/quarantine.hpp"
#include "policy/policy.hpp"
#include "sanitizer/address_shadow.hpp"
#include "stack/room.hpp"
#include "stack/root_stack.hpp"
#include "system/exceptions_in_flight.hpp"

#include <growstack/detail/probe.hpp>
#include <growstack/detail/thread.hpp>

#include <sys/auxv.h>

#include <algorithm>
#include <optional>
#include <span>

namespace growstack::grow {
namespace {

using detail::page_bytes;

// What a probe's slow path uses before growth has left the stack, at -O0.
constexpr std::size_t slow_path_bytes = 2048;

// The piece that `sp` is on, or the innermost one if sp has left them all.
piece piece_at(stack& self, std::uintptr_t sp) noexcept {
    for (chunk* c = self.top;; c = c->older) {
        const piece p = piece_of(self, c);
        if (sp - p.guard().lo <= p.memory.hi - p.guard().lo) return p;
        if (!c) return piece_of(self, self.top);
    }
}

bool is_on(stack& self, std::uintptr_t sp) noexcept {
    const piece p = piece_at(self, sp);
    return sp - p.guard().lo <= p.memory.hi - p.guard().lo;
}

// The coroutine that was interrupted: the running one, unless it is about to be resumed, or to be destroyed, by another
// one, whose stack the jump is still on. Null if none was.
stack* stack_at(std::uintptr_t sp) noexcept {
    stack* const running = this_thread().running;
    if (!running || !running->kind()) return nullptr;
    for (stack* other : {running->resumer, running->books().destroyer})
        if (other && other->kind() && other != running && is_on(*other, sp)) return other;
    return running;
}

// From the first frame to the last one.
std::size_t depth_bytes(const stack& self, std::uintptr_t sp) noexcept {
    std::size_t bytes = 0;
    for (const chunk* c = self.top; c; c = c->older) {
        bytes += reinterpret_cast<std::uintptr_t>(c) - sp;
        sp = reinterpret_cast<std::uintptr_t>(c->entered_from);
    }
    return bytes + self.memory.hi - sp;
}

bool is_library_running() noexcept {
    const std::uintptr_t limit = detail::read_limit();
    return limit == detail::limit_check_never || limit == detail::limit_in_transition;
}

// Says if the coroutine that is left cannot move, though no library code has begun that would mind: what the thread
// holds of exceptions may be the next one's already.
bool is_leaving_with_exception(const stack& self) noexcept {
    return detail::read_limit() == detail::limit_switching && self.exceptions.in_flight;
}

// Says if the stack may move now, where the coroutine is at whatever instruction. Not while the library itself runs on
// it: it may hold a lock that growth takes.
bool may_move(stack& self, std::uintptr_t sp) noexcept {
    return self.kind()->is_movable && self.sizes->move_at_guard && this_thread().running == &self &&
           !self.books().destroyer && !is_library_running() && !is_leaving_with_exception(self) && !has_pin(self, sp);
}

// What does not last: growth that has begun on the stack that is full, an exception that will be caught, the unwinding
// of a stack that is destroyed.
bool may_use_reserve(const stack& self) noexcept {
    return is_library_running() || detail::read_limit() == detail::limit_switching || self.books().destroyer ||
           (self.kind()->is_movable && (exceptions_in_flight() || (self.top && !self.pins)));
}

const char* advice_for(const stack& self, const piece& p, std::uintptr_t needed_lo, bool is_probing) noexcept {
    if (needed_lo < p.guard().lo && !is_probing)
        return "a frame is larger than the address space below the stack: compile that code with "
               "-fstack-clash-protection, or call it through growstack::call";
    if (self.kind() == &fixed_policy)
        return "this stack cannot grow: raise stack_options::initial_bytes, or use contiguous_stack";
    if (self.kind() == &reserved_policy) return "its address space is used up: raise stack_options::max_bytes";
    if (p.guard().hi - room_lo(self, p) < std::min(self.sizes->room_bytes, p.guard().hi - needed_lo))
        return "stack_options::max_bytes is reached: raise it, or look for endless recursion";
    if (self.kind() == &segmented_policy)
        return "only a check can link a chunk: compile that code with -fsplit-stack, call it through growstack::call or "
               "growstack::native, or use contiguous_stack";
    if (!self.sizes->move_at_guard)
        return "stack_options::move_at_guard is off: compile that code with -fsplit-stack, or call "
               "this_coroutine::ensure before";
    if (self.pins || self.books().jump_pin)
        return "a growstack::pin lives, or a jmp_buf outside the stack, and the stack must not move: call this_coroutine::ensure before the pin, or "
               "growstack::native";
    if (is_sanitized() && has_fake_stack(self))
        return "AddressSanitizer keeps locals in its heap, and the stack must not move: compile without "
               "-fsanitize-address-use-after-return=always";
    return "an exception is in flight, or a chunk is linked, or growstack itself runs, and the stack must not move: call "
           "this_coroutine::ensure before";
}

[[noreturn]] void overflow(const stack& self, std::uintptr_t sp, const char* advice) noexcept {
    detail::fatal_stack_overflow_in_code_without_checks({.coroutine = &self,
                                                         .policy = self.kind()->name,
                                                         .depth_bytes = depth_bytes(self, sp),
                                                         .stack_bytes = self.books().stack_bytes,
                                                         .max_bytes = self.sizes->max_bytes,
                                                         .advice = advice});
}

struct move_request {
    stack& self;
    std::uintptr_t sp;
    std::uintptr_t needed_lo;
    std::uintptr_t ip;
    displacement moved{};
    std::optional<overflow_reason> failure{};
};

void move_on_root_stack(void* argument) noexcept {
    auto& request = *static_cast<move_request*>(argument);
    request.failure = move_at_fault(request.self, request.sp - red_zone_bytes, request.needed_lo, request.ip,
                                    request.moved);
}

bounds live_words(stack& self, const interrupted_code& code) noexcept {
    const std::uintptr_t lo = (code.sp() - red_zone_bytes) & -sizeof(std::uintptr_t);
    return {std::max(piece_of(self, nullptr).accessible_lo(), lo), self.memory.hi};
}

// Moves the stack and what the interrupted code has in its registers.
std::optional<overflow_reason> move(stack& self, std::uintptr_t needed_lo, interrupted_code& code) noexcept {
    move_request request{.self = self, .sp = code.sp(), .needed_lo = needed_lo, .ip = code.ip()};
    growstack_call_on_root_stack(move_on_root_stack, &request);
    if (request.failure) return request.failure;
    const sanitized_forms forms = forms_of(request.moved);
    code.move(request.moved, std::span{forms}.first(is_sanitized() ? forms.size() : 0));
    if (exceptions_in_flight()) adjust_handler_addresses(live_words(self, code), code, request.moved);
    ++self.books().counts.guard_faults;
    const std::uintptr_t limit = self.update_limit();
    if (detail::read_limit() != detail::limit_switching) detail::write_limit(limit);
    return {};
}

void grow(stack& self, const piece& p, std::uintptr_t touched, interrupted_code& code) noexcept {
    const std::uintptr_t end_of_probing = code.end_of_probing();
    std::uintptr_t needed_lo = std::min(touched, code.sp() - red_zone_bytes);
    if (end_of_probing) needed_lo = std::min(needed_lo, end_of_probing - red_zone_bytes);

    const std::uintptr_t lowest = room_lo(self, p);
    const bool can_move = may_move(self, code.sp()) && (end_of_probing || needed_lo >= p.guard().lo);
    if (needed_lo >= lowest && open_room(self, p, touched)) return;
    // The reserve stays open behind an exception, and code without checks goes on in it. So the next one may find none
    // left.
    if ((!can_move || exceptions_in_flight()) && may_use_reserve(self) && open_beyond_room(self, needed_lo))
        return note_reserve(self);
    if (can_move && (!exceptions_in_flight() || can_find_handler_addresses(live_words(self, code), code))) {
        const std::optional<overflow_reason> failure = move(self, needed_lo, code);
        if (!failure) return;
        overflow(self, code.sp(), advice(*failure));
    }
    if (needed_lo >= lowest) overflow(self, code.sp(), advice(overflow_reason::no_memory));
    overflow(self, code.sp(), advice_for(self, p, needed_lo, end_of_probing));
}

bool is_lost_signal_frame(const siginfo_t& info, const interrupted_code& code, const piece& p) noexcept {
    return code.is_lost_signal(info) && code.sp() - p.guard().lo < p.memory.hi - p.guard().lo &&
           code.sp() - red_zone_bytes - ::getauxval(AT_MINSIGSTKSZ) < p.accessible_lo();
}

bool is_stack_access(const piece& p, std::uintptr_t touched, std::uintptr_t sp) noexcept {
    constexpr std::size_t largest_frame_bytes = std::size_t{1} << 30; // beyond, sp itself has gone wrong
    return touched >= sp - red_zone_bytes && touched < p.accessible_lo() && sp + largest_frame_bytes > p.memory.lo;
}

} // namespace

bool serve_fault(const siginfo_t& info, interrupted_code& code) noexcept {
    if (info.si_signo == SIGSEGV) report_if_stale(reinterpret_cast<std::uintptr_t>(info.si_addr), code);
    stack* const found = info.si_signo == SIGSEGV && !code.is_on_alternate_stack() ? stack_at(code.sp()) : nullptr;
    if (!found) return false;
    stack& self = *found;
    if (is_under_valgrind()) code.undo_half_of_instruction(reinterpret_cast<std::uintptr_t>(info.si_addr));
    if (const std::uintptr_t slow_path = detail::find_slow_path(code.ip())) {
        open_beyond_room(self, code.sp() - slow_path_bytes);
        code.continue_at(slow_path);
        return true;
    }
    const piece p = piece_at(self, code.sp());
    if (is_lost_signal_frame(info, code, p)) detail::fatal_no_room_for_a_signal_handler(self);
    const auto touched = reinterpret_cast<std::uintptr_t>(info.si_addr);
    if (!is_stack_access(p, touched, code.sp())) return false;
    grow(self, p, touched, code);
    return true;
}

} // namespace growstack::grow
