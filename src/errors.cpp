// The words of an overflow, and the room that its destructors get.
#include "morestack.hpp"

#include <growstack/errors.hpp>
#include <growstack/grow/thread.hpp>

#include <cstdio>
#include <cstring>

namespace growstack {
namespace grow {
namespace {

const char* advice(overflow_reason reason) noexcept {
    switch (reason) {
    case overflow_reason::fixed_size: return "this stack cannot grow: raise stack_options::initial_bytes or use contiguous_stack";
    case overflow_reason::max_bytes: return "the limit is reached: raise stack_options::max_bytes, or look for endless recursion";
    case overflow_reason::no_memory: return "the system gives no memory for a larger stack";
    }
    return "";
}

} // namespace

void throw_stack_overflow(stack& self, std::size_t frame_bytes, overflow_reason reason) {
    char message[320];
    std::snprintf(message, sizeof message,
                  "growstack: stack overflow in coroutine %p (%s): a frame of %zu bytes does not fit; "
                  "%zu bytes of stack in use, max_bytes %zu, headroom_bytes %zu; %s",
                  static_cast<void*>(&self), self.kind->name, frame_bytes, self.counts.stack_bytes,
                  self.sizes.max_bytes, self.sizes.headroom_bytes, advice(reason));
    self.is_limit_lowered = true;
    detail::write_limit(self.update_limit());
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
    if (!self || !self->is_limit_lowered || grow::exceptions_in_flight()) return;
    const bool is_lowered_now = detail::read_limit() == self->limit;
    self->is_limit_lowered = false;
    self->update_limit();
    if (is_lowered_now) detail::write_limit(self->limit);
}

} // namespace growstack
