// Throwing stack_overflow: its words, and the room that the destructors on the way get.
#include "base/fatal.hpp"
#include "policy/policy.hpp"
#include "stack/announce.hpp"
#include "stack/escape.hpp"
#include "stack/room.hpp"
#include "system/call_site.hpp"
#include "system/exceptions_in_flight.hpp"
#include "system/guard.hpp"

#include <cstdio>
#include <cstring>
#include <span>

namespace growstack {
namespace grow {

const char* advice(overflow_reason reason) noexcept {
    switch (reason) {
        case overflow_reason::fixed_size:
            return "this stack cannot grow: raise stack_options::initial_bytes or use contiguous_stack";
        case overflow_reason::reserved_size: return "its address space is used up: raise stack_options::max_bytes";
        case overflow_reason::max_bytes:
            return "the limit is reached: raise stack_options::max_bytes, or look for endless recursion";
        case overflow_reason::no_memory: return no_memory_advice();
        case overflow_reason::escape_bytes:
            return "raise stack_options::escape_bytes or max_bytes, or look for endless recursion";
    }
    return "";
}

namespace {

// A first throw takes 5.2 KiB; destructors on the way, and what() printed, some more.
constexpr std::size_t throw_bytes = 12 * 1024;

// What a callee may use of the headroom while an overflow waits. Most of it is left for the throw: 2 to 5 KiB.
constexpr std::size_t most_waiting_bytes = 2048;

// While an exception is in flight it may be a destructor that is called, where there is no place for another one. Of
// Clang's tables that cannot be seen: their last entry says of whatever follows, up to the call of _Unwind_Resume, that
// exceptions pass.
bool can_wait(stack& self, const check_frame& frame, std::size_t frame_bytes) noexcept {
    const std::size_t quarter = self.sizes->headroom_bytes / 4;
    const std::uintptr_t lo = self.innermost().lo + self.sizes->headroom_bytes -
                              (quarter < most_waiting_bytes ? quarter : most_waiting_bytes);
    const std::uintptr_t sp = frame.callee_sp();
    const bool fits = sp >= lo && sp - lo >= frame_bytes && !is_tight(self);
    return fits && (exceptions_in_flight() || !expects_exception(frame.return_address));
}

// What the exception says.
void describe(const stack& self, std::size_t frame_bytes, overflow_reason reason, std::span<char> message) noexcept {
    if (reason == overflow_reason::escape_bytes) {
        std::snprintf(
            message.data(), message.size(),
            "growstack: stack overflow in coroutine %p (%s): its escape stack of %zu bytes is nearly full; %s",
            static_cast<const void*>(&self), self.policy()->name, escape_bytes(self), advice(reason));
        return;
    }
    // Checks of small frames compare sp itself, and some say 0.
    constexpr std::size_t unasked_bytes = 256;
    const bool is_small = frame_bytes < unasked_bytes;
    std::snprintf(message.data(), message.size(),
                  "growstack: stack overflow in coroutine %p (%s): a frame of %s%zu bytes does not fit; "
                  "%zu bytes of stack in use, %zu allowed, %zu of them headroom; %s",
                  static_cast<const void*>(&self), self.policy()->name, is_small ? "up to " : "",
                  is_small ? unasked_bytes : frame_bytes, self.books().stack_bytes, self.sizes->max_bytes,
                  self.sizes->headroom_bytes, advice(reason));
}

// The throw begins on the thread's root stack, and goes on, past this, on the coroutine's.
class throw_from_root_stack {
public:
    explicit throw_from_root_stack(stack& self) noexcept : self_{self} { announce_memory(this_thread().root); }
    ~throw_from_root_stack() {
        const checks_off quiet;
        announce_memory(self_);
        forget_frames({innermost_piece(self_).accessible_lo(), self_.innermost().hi}); // they may go without a word
    }
    throw_from_root_stack(const throw_from_root_stack&) = delete;
    throw_from_root_stack& operator=(const throw_from_root_stack&) = delete;

private:
    stack& self_;
};

} // namespace

check_result overflow(stack& self, check_frame& frame, std::size_t frame_bytes, overflow_reason reason) {
    if (!can_wait(self, frame, frame_bytes)) throw_stack_overflow(self, frame, frame_bytes, reason);
    self.add(overflow_waits);
    return stay(self, frame);
}

void throw_stack_overflow(stack& self, const check_frame& frame, std::size_t frame_bytes, overflow_reason reason) {
    char message[320];
    describe(self, frame_bytes, reason, message);
    open_beyond_room(self, frame.callee_sp() - throw_bytes);
    if (is_tight(self) && frame.callee_sp() - self.memory.lo < detail::least_throw_bytes)
        detail::fatal_no_room_to_throw(self);
    self.add(overflow_unwinds);
    detail::write_limit(self.update_limit());
    const throw_from_root_stack announced{self};
    throw stack_overflow(message);
}

} // namespace grow

stack_overflow::stack_overflow(const char* message) noexcept {
    std::strncpy(message_, message, sizeof message_ - 1);
    message_[sizeof message_ - 1] = '\0';
}

const char* stack_overflow::what() const noexcept { return message_; }

stack_overflow::~stack_overflow() {
    grow::stack* self = grow::this_thread().running;
    if (!self || !self->has(grow::overflow_unwinds) || grow::exceptions_in_flight()) return;
    const bool is_lowered_now = detail::read_limit() == self->limit;
    self->remove(grow::overflow_unwinds);
    self->update_limit();
    grow::close_unused_room(*self, reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
    if (is_lowered_now) detail::write_limit(self->limit);
}

} // namespace growstack
