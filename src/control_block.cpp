// The beginning of a coroutine, and its first function. Its end by destruction is in unwind.cpp.
#include "guard.hpp"

#include <growstack/control_block.hpp>
#include <growstack/grow/family.hpp>
#include <growstack/grow/stackalloc.hpp>
#include <growstack/stress.hpp>
#include <growstack/switch.hpp>
#include <growstack/this_coroutine.hpp>

#include <algorithm>
#include <string>

namespace growstack::detail {
namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;
using grow::stack;

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

[[noreturn]] void throw_bad_size(const char* field, std::size_t bytes, const char* rule) {
    throw std::invalid_argument("growstack: stack_options::" + std::string(field) + " is " + std::to_string(bytes) +
                                ": " + rule);
}

// A reserved stack has all its address space at once.
std::size_t first_bytes(const stack_options& options, const grow::policy& policy) noexcept {
    return grow::stackalloc_bytes(&policy == &grow::reserved_policy ? options.max_bytes : options.initial_bytes);
}

std::size_t headroom_bytes(const stack_options& options, std::size_t stack_bytes) noexcept {
    return options.headroom_bytes ? options.headroom_bytes : std::min(default_headroom_bytes, stack_bytes / 2);
}

void check_sizes(const stack_options& options, const grow::policy& policy) {
    if (&policy == &grow::reserved_policy && (!options.max_bytes || options.max_bytes > absurd_bytes))
        throw_bad_size("max_bytes", options.max_bytes, "a reserved stack needs so much address space");
    if (!options.initial_bytes) throw_bad_size("initial_bytes", 0, "a stack needs memory");
    if (options.initial_bytes > absurd_bytes)
        throw_bad_size("initial_bytes", options.initial_bytes, "larger than the address space has room for");
    if (options.headroom_bytes && options.headroom_bytes < smallest_headroom_bytes)
        throw_bad_size("headroom_bytes", options.headroom_bytes, "must be at least 1024, or 0 for the default");
    if (options.headroom_bytes >= first_bytes(options, policy))
        throw_bad_size("headroom_bytes", options.headroom_bytes, "must be less than the stack, or no frame fits");
    if (options.room_bytes > largest_room_bytes)
        throw_bad_size("room_bytes", options.room_bytes, "must be at most 45056");
    if (options.non_split_bytes > absurd_bytes)
        throw_bad_size("non_split_bytes", options.non_split_bytes, "larger than the address space has room for");
    if (&policy == &grow::fixed_policy || &policy == &grow::reserved_policy) return;
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
    const std::size_t bytes = first_bytes(options, policy);
    self.sizes = {.headroom_bytes = headroom_bytes(options, bytes),
                  .initial_bytes = bytes,
                  .max_bytes = is_contiguous || is_segmented ? options.max_bytes : bytes + options.room_bytes,
                  .chunk_bytes = grow::stackalloc_bytes(options.chunk_bytes),
                  .room_bytes = options.room_bytes,
                  .non_split_bytes = options.non_split_bytes,
                  .keep_chunk = is_segmented && options.release == chunk_release::keep_one && !modes.link,
                  .move_at_guard = options.move_at_guard};
    if (is_contiguous && modes.move) self.add(grow::moves_always);
    if ((is_contiguous || is_segmented) && modes.link) self.add(grow::links_always);
    const grow::checks_off quiet;
    self.memory = grow::stackalloc(bytes);
    if (!self.memory.hi) throw no_stack_memory(grow::no_memory_advice());
    self.counts.stack_bytes = self.counts.peak_stack_bytes = self.memory.bytes();
    self.update_limit();
    self.context = make_fcontext(reinterpret_cast<void*>(self.memory.hi), self.memory.bytes(), enter);
}

void join_creator(control_block& block) noexcept {
    const grow::thread_state& thread = grow::this_thread();
    stack* const creator = thread.running && !thread.running->kind && thread.native ? thread.native->caller : thread.running;
    if (creator && creator->kind) grow::join_family(block.stack, *creator);
}

bool trim(control_block& block) noexcept {
    if (!block.stack.is_suspended()) return false;
    const grow::checks_off quiet;
    grow::trim_suspended(block.stack);
    return true;
}

bool shrink(control_block& block) noexcept {
    if (!block.stack.is_suspended()) return false;
    const grow::checks_off quiet;
    return grow::shrink_suspended(block.stack);
}

stack_stats stats_of(const control_block& block) noexcept {
    const stack& s = block.stack;
    return {s.counts.moves,        s.counts.bytes_copied, s.chunks_linked,
            s.counts.guard_faults, s.counts.stack_bytes,  s.counts.peak_stack_bytes};
}

} // namespace growstack::detail

void growstack::this_coroutine::ensure(std::size_t bytes) {
    const std::uintptr_t limit = detail::read_limit();
    if (limit == detail::limit_check_never) return;
    const auto sp = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const std::size_t wanted = std::min(bytes, detail::absurd_bytes); // more than that does not fit either
    if (limit == detail::limit_check_always || sp < limit || sp - limit < wanted) detail::growstack_ensure(wanted);
}

void growstack::this_coroutine::shrink() noexcept {
    grow::stack* self = grow::this_thread().running;
    if (!self || !self->kind || !self->kind->is_movable || self->top) return;
    self->add(grow::shrink_requested);
    detail::write_limit(self->update_limit());
}
