// The ends of a coroutine's life: create, first function, finish, unwind. What happens in between is switch.hpp.
#include <growstack/control_block.hpp>
#include <growstack/generator.hpp>
#include <growstack/grow/alloca_block.hpp>
#include <growstack/grow/family.hpp>
#include <growstack/grow/stackalloc.hpp>
#include <growstack/grow/thread.hpp>
#include <growstack/stress.hpp>
#include <growstack/switch.hpp>

#include "fatal.hpp"

#include <boost/context/detail/fcontext.hpp>
#include <cxxabi.h>
#include <unwind.h>

#include <new>
#include <string>

namespace growstack::grow {
bool shrink_suspended(stack& self) noexcept;
}

namespace growstack::detail {
namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::ontop_fcontext;
using boost::context::detail::transfer_t;
using grow::stack;
using grow::thread_state;

// Leaves a coroutine that is at its end, for good.
[[noreturn]] void die(stack& self, stack& resumer) noexcept {
    grow::announce_switch(self, resumer, true);
    leave(grow::this_thread(), self, resumer);
    self.resumer = &self;
    jump_fcontext(resumer.context, nullptr);
    __builtin_unreachable();
}

// The first function on a coroutine's stack.
void enter(transfer_t arrived) noexcept {
    auto& block = *static_cast<control_block*>(arrived.data);
    block.stack.resumer->context = arrived.fctx;
    grow::confirm_switch(block.stack, *block.stack.resumer);
    block.stack.has_started = true;
    write_limit(block.stack.limit);
    try {
        block.run(block);
    } catch (...) {
        // A forced unwind ends here, and must not leave this handler: that would count as stopping it.
        if (block.stack.destroyer) die(block.stack, *block.stack.destroyer);
        block.failure = std::current_exception();
    }
    die(block.stack, *block.stack.resumer);
}

void release_stack(stack& self) noexcept {
    grow::leave_family(self);
    grow::release_chunks(self);
    grow::free_alloca_blocks(self, {0, UINTPTR_MAX}, UINTPTR_MAX);
    if (self.memory.hi) grow::stackfree(self.memory);
    self.memory = {};
    self.counts.stack_bytes = 0;
}

[[noreturn]] void throw_bad_size(const char* field, std::size_t bytes, const char* rule) {
    throw std::invalid_argument("growstack: stack_options::" + std::string(field) + " is " + std::to_string(bytes) +
                                ": " + rule);
}

// `initial` and `chunk` are rounded already.
void check_sizes(const stack_options& options, const grow::policy& policy) {
    if (!options.initial_bytes) throw_bad_size("initial_bytes", 0, "a stack needs memory");
    if (options.initial_bytes > absurd_bytes)
        throw_bad_size("initial_bytes", options.initial_bytes, "larger than the address space has room for");
    if (options.headroom_bytes < smallest_headroom_bytes)
        throw_bad_size("headroom_bytes", options.headroom_bytes, "must be at least 1024");
    if (options.headroom_bytes >= grow::stackalloc_bytes(options.initial_bytes))
        throw_bad_size("headroom_bytes", options.headroom_bytes, "must be less than initial_bytes, or no frame fits");
    if (&policy == &grow::fixed_policy) return;
    if (options.max_bytes > absurd_bytes)
        throw_bad_size("max_bytes", options.max_bytes, "larger than the address space has room for");
    if (options.max_bytes < grow::stackalloc_bytes(options.initial_bytes))
        throw_bad_size("max_bytes", options.max_bytes, "must not be less than initial_bytes, rounded up to a power of two");
    if (!options.chunk_bytes) throw_bad_size("chunk_bytes", 0, "a chunk needs memory");
    if (options.chunk_bytes > options.max_bytes)
        throw_bad_size("chunk_bytes", options.chunk_bytes, "must not be more than max_bytes");
}

} // namespace

void create(control_block& block, const grow::policy& policy, const stack_options& options) {
    check_sizes(options, policy);
    const stress_modes modes = stress();
    const bool is_contiguous = &policy == &grow::contiguous_policy;
    const bool is_segmented = &policy == &grow::segmented_policy;
    stack& self = block.stack;
    self.kind = &policy;
    self.sizes = {.headroom_bytes = options.headroom_bytes,
                  .initial_bytes = grow::stackalloc_bytes(options.initial_bytes),
                  .max_bytes = options.max_bytes,
                  .chunk_bytes = grow::stackalloc_bytes(options.chunk_bytes),
                  .keep_chunk = is_segmented && options.release == chunk_release::keep_one && !modes.link,
                  .move_at_every_check = is_contiguous && modes.move,
                  .link_at_every_check = (is_contiguous || is_segmented) && modes.link};
    const grow::checks_off quiet;
    self.memory = grow::stackalloc(options.initial_bytes);
    if (!self.memory.hi) throw std::bad_alloc();
    self.counts.stack_bytes = self.counts.peak_stack_bytes = self.memory.bytes();
    self.update_limit();
    self.context = make_fcontext(reinterpret_cast<void*>(self.memory.hi), self.memory.bytes(), enter);
    if (const stack* creator = grow::this_thread().running; creator && creator->kind)
        grow::join_family(self, *grow::this_thread().running);
}

stack& attach_thread() noexcept {
    thread_state& thread = grow::this_thread();
    thread.exceptions = reinterpret_cast<exception_state*>(abi::__cxa_get_globals());
    thread.running = &thread.root;
    return thread.root;
}

void finish(control_block& block, stack& resumer) {
    release_stack(block.stack); // before checks may fail again: nothing may interrupt stackfree
    write_limit(resumer.limit);
    if (block.failure) std::rethrow_exception(std::exchange(block.failure, nullptr));
}

void throw_bad_resume(const control_block& block) {
    char text[200];
    const char* what = block.stack.is_dead() ? "it is dead: its body has ended; ask done() first"
                       : running() == &block ? "it is running: a coroutine cannot resume itself"
                                             : "it is normal: it has resumed the coroutine that runs now";
    std::snprintf(text, sizeof text, "growstack: resume() of coroutine %p (%s): %s", static_cast<const void*>(&block),
                  block.stack.kind->name, what);
    throw usage_error(text);
}

void throw_bad_yield() {
    if (const control_block* block = running()) fatal_yield_while_unwinding(block->stack);
    throw usage_error("growstack: yield() outside a coroutine: only code called from a coroutine's body can yield");
}

void throw_bad_yield_value(const control_block* block) {
    throw usage_error(block && block->value_type
                          ? "growstack: a value of another type than the generator's T: yield_value(T(value)) converts"
                          : "growstack: a value is yielded outside a generator: use this_coroutine::yield()");
}

namespace {

_Unwind_Reason_Code go_on(int, _Unwind_Action actions, _Unwind_Exception_Class, _Unwind_Exception*, _Unwind_Context*,
                          void* self) {
    if (actions & _UA_END_OF_STACK) fatal_unwind_lost(*static_cast<stack*>(self));
    return _URC_NO_REASON;
}

// A catch (...) that does not rethrow ends up here: the unwind goes on from where it was stopped.
void unwind_stopped(_Unwind_Reason_Code, _Unwind_Exception* exception) {
    _Unwind_ForcedUnwind(exception, go_on, grow::this_thread().running);
}

struct unwind_request {
    control_block* block;
    _Unwind_Exception exception; // on the destroyer's stack: the unwound one is used up meanwhile
};

// Runs on top of the suspended coroutine's stack.
transfer_t start_unwind(transfer_t arrived) {
    auto& request = *static_cast<unwind_request*>(arrived.data);
    stack& self = request.block->stack;
    self.destroyer->context = arrived.fctx;
    grow::confirm_switch(self, *self.destroyer);
    write_limit(self.limit);
    _Unwind_ForcedUnwind(&request.exception, go_on, &self);
    fatal_unwind_lost(self);
}

} // namespace

void unwind(control_block& block) noexcept {
    stack& self = block.stack;
    if (self.is_dead()) return;
    if (!self.is_suspended() || self.destroyer) fatal_destroyed_while_active(self);
    if (!self.has_started) {
        const grow::checks_off quiet;
        release_stack(self);
        return;
    }
    thread_state& thread = grow::this_thread();
    stack& resumer = thread.running ? *thread.running : attach_thread();
    self.destroyer = &resumer;
    unwind_request request{&block, {}};
    request.exception.exception_cleanup = unwind_stopped;
    grow::announce_switch(resumer, self);
    leave(thread, resumer, self);
    ontop_fcontext(self.context, &request, start_unwind);
    grow::confirm_switch(resumer, self);
    release_stack(self);
    write_limit(resumer.limit);
}

bool shrink(control_block& block) noexcept {
    if (!block.stack.is_suspended()) return false;
    const grow::checks_off quiet;
    return grow::shrink_suspended(block.stack);
}

stack_stats stats_of(const control_block& block) noexcept {
    const stack& s = block.stack;
    return {s.counts.moves, s.counts.bytes_copied, s.chunks_linked, s.counts.stack_bytes, s.counts.peak_stack_bytes};
}

void throw_empty_handle(const char* operation) {
    throw usage_error(std::string("growstack: ") + operation + " of an empty handle: default-constructed or moved from");
}

} // namespace growstack::detail

void growstack::this_coroutine::shrink() noexcept {
    grow::stack* self = grow::this_thread().running;
    if (!self || !self->kind || !self->kind->is_movable || self->top) return;
    self->is_shrink_requested = true;
    detail::write_limit(self->update_limit());
}
