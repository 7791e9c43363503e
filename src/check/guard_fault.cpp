// The guard check. A fault is ours if the running coroutine touches its stack, that is, at or above sp, less the red
// zone, and below what is accessible. Then, in this order:
//
//      in place      the growth room is opened as far as needed: at any instruction, in any code
//      move          the room is used up and the stack is contiguous: at this instruction. While something is in the
//                    way that will pass (an exception in flight, a linked chunk), the spare is opened first
//      overflow      neither is possible: a message, and abort
//
//            guard page     spare       room           memory
//      lo   |inaccessible|           |               |  headroom  |  frames   |   hi
//                                    ^ in place; a frame that ends below it, in the spare, is still in its own space
//
// Source: the kernel's own expand_stack, and libsigsegv.
#include "check/guard_fault.hpp"
#include "base/escape_pointer.hpp"
#include "memory/quarantine.hpp"
#include "policy/contiguous.hpp"
#include "policy/policy.hpp"
#include "sanitizer/address_shadow.hpp"
#include "sanitizer/valgrind.hpp"
#include "stack/escape.hpp"
#include "stack/obstacle.hpp"
#include "stack/root_stack.hpp"
#include "system/exceptions_in_flight.hpp"

#include <growstack/detail/probe.hpp>

#include <sys/auxv.h>

#include <algorithm>
#include <optional>
#include <span>

namespace growstack::grow {
namespace {

// What a probe's slow path uses before growth has left the stack, at -O0.
constexpr std::size_t slow_path_bytes = 2048;

// The coroutine that was interrupted: the running one, unless it is about to be resumed, or to be destroyed, by another
// one, whose stack the jump is still on. Null if none was.
stack* stack_at(std::uintptr_t sp) noexcept {
    stack* const running = this_thread().running;
    if (!running || !running->policy()) return nullptr;
    for (stack* other : {running->resumer, running->books().destroyer})
        if (other && other->policy() && other != running && is_on(*other, sp)) return other;
    return running;
}

// From the first frame to the last one.
std::size_t depth_bytes(stack& self, std::uintptr_t sp) noexcept {
    std::size_t bytes = 0;
    for_each_piece(self, sp, [&bytes](const piece&, bounds frames) { bytes += frames.bytes(); });
    return bytes;
}

[[noreturn]] void overflow(stack& self, std::uintptr_t sp, const char* advice) noexcept {
    detail::fatal_stack_overflow_in_code_without_checks({.coroutine = &self,
                                                         .policy = self.policy()->name,
                                                         .depth_bytes = depth_bytes(self, sp),
                                                         .stack_bytes = self.books().stack_bytes,
                                                         .max_bytes = self.sizes->max_bytes,
                                                         .advice = advice});
}

// Not growstack's. Code that growth calls, and a switch, have another stack's escape pointer.
bool is_its_own_code() noexcept {
    const std::uintptr_t limit = detail::read_limit();
    return limit != detail::limit_check_never && limit != detail::limit_switching;
}

bool is_overflow_of_escape(stack& self, std::uintptr_t touched, std::uintptr_t sp) noexcept {
    return is_escape_guard(self, touched) || (is_its_own_code() && is_on(self, sp) && is_over_escape_end(self));
}

// The user's handler runs on the thread's escape stack.
[[noreturn]] void overflow_of_escape(stack& self, std::uintptr_t ip) noexcept {
    const std::size_t bytes = escape_bytes(self);
    const on_threads_escape_stack roomy;
    detail::fatal_escape_overflow({.coroutine = &self,
                                   .policy = self.policy()->name,
                                   .depth_bytes = bytes,
                                   .stack_bytes = self.books().stack_bytes,
                                   .max_bytes = self.sizes->escape_bytes,
                                   .advice = "raise stack_options::escape_bytes, or look for endless recursion"},
                                  ip);
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
    code.move(request.moved, other_forms_of(request.moved));
    if (exceptions_in_flight()) adjust_handler_addresses(live_words(self, code), code, request.moved);
    ++self.books().counts.guard_faults;
    const std::uintptr_t limit = self.update_limit();
    if (detail::read_limit() != detail::limit_switching) detail::write_limit(limit);
    return {};
}

// Says if max_bytes, not room_bytes, is what ends the room above needed_lo.
bool is_room_cut_short(const stack& self, const piece& p, std::uintptr_t needed_lo) noexcept {
    return p.guard().hi - room_lo(self, p) < std::min(self.sizes->room_bytes, p.guard().hi - needed_lo);
}

void grow(stack& self, const piece& p, std::uintptr_t touched, interrupted_code& code) noexcept {
    const std::uintptr_t end_of_probing = code.end_of_probing();
    std::uintptr_t needed_lo = std::min(touched, code.sp() - red_zone_bytes);
    if (end_of_probing) needed_lo = std::min(needed_lo, end_of_probing - red_zone_bytes);
    const bool is_in_room = needed_lo >= room_lo(self, p);
    if (is_in_room && open_room(self, p, touched)) return;

    const bool is_too_low = needed_lo < p.guard().lo && !end_of_probing;
    const obstacle o = is_too_low ? obstacle::large_frame : obstacle_to_move(self, code.sp(), moment::fault);
    // The spare stays open behind an exception, and code without checks goes on in it. So the next one may find none
    // left.
    if (will_pass(self, o) && open_beyond_room(self, needed_lo)) return note_spare(self);
    if (o == obstacle::none || (o == obstacle::exception && can_find_handler_addresses(live_words(self, code), code))) {
        const std::optional<overflow_reason> failure = move(self, needed_lo, code);
        if (!failure) return;
        overflow(self, code.sp(), advice(*failure));
    }
    if (is_in_room) overflow(self, code.sp(), advice(overflow_reason::no_memory));
    if (o != obstacle::large_frame && is_room_cut_short(self, p, needed_lo))
        overflow(self, code.sp(), "stack_options::max_bytes is reached: raise it, or look for endless recursion");
    overflow(self, code.sp(), advice(self, o));
}

bool is_lost_signal_frame(const siginfo_t& info, const interrupted_code& code, const piece& p) noexcept {
    return code.is_lost_signal(info) && p.has(code.sp()) &&
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
    if (open_escape_room(self, reinterpret_cast<std::uintptr_t>(info.si_addr))) {
        const std::uintptr_t limit = self.update_limit();
        if (is_its_own_code()) detail::write_limit(limit);
        return true;
    }
    if (is_overflow_of_escape(self, reinterpret_cast<std::uintptr_t>(info.si_addr), code.sp()))
        overflow_of_escape(self, code.ip());
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
