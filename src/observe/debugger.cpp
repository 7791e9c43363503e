// Describes the library's records to packaging/gdb/growstack-gdb.py, so that it needs no debug info.
#include "arch/arch.hpp"
#include "memory/escape_pool.hpp"
#include "memory/stack_pool.hpp"

#include <growstack/detail/control_block.hpp>

#include <cstddef>
#include <cstdint>

// Of classes with bases or private members. GCC and Clang know the offsets.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

namespace growstack::grow {

struct pool_offsets {
    static constexpr std::size_t some_untouched = offsetof(stack_pool, some_untouched_);
    static constexpr std::size_t all_touched = offsetof(stack_pool, all_touched_);
    static_assert(sizeof(stack_pool::span_list) == 2 * sizeof(void*), "the script walks it: next, previous");
};

struct fact {
    char name[24];
    std::uint64_t number;
    const void* address; // if it is one
};

namespace {

// For each class: the distance between slots' ends, and where in a slot a stack may end.
struct class_facts {
    std::uint64_t stride_bytes[pooled_classes], slot_alignment[pooled_classes];
};

constexpr class_facts classes = [] {
    class_facts all{};
    for (stack_class c = 0; c < pooled_classes; ++c) {
        all.stride_bytes[c] = stride_of(c);
        all.slot_alignment[c] = slot_alignment(c);
    }
    return all;
}();

static_assert(sizeof(heap::mspan::slot_class) == 4 && sizeof(heap::mspan::capacity) == 4);
static_assert(has_started == 1 << 8 && has_ended == 2 << 8, "the lowest bits of the second byte");

using heap::mspan;

constexpr fact facts[] = {
    {"stack.innermost_chunk", offsetof(stack, innermost_chunk), nullptr},
    {"stack.memory", offsetof(stack, memory), nullptr},
    {"stack.resumer", offsetof(stack, resumer), nullptr},
    {"stack.context", offsetof(stack, context), nullptr},
    {"stack.sizes", offsetof(stack, sizes), nullptr},
    {"stack.has_started", offsetof(stack, state) + 1, nullptr},
    {"stack.escape_pointer", offsetof(stack, escape_pointer), nullptr},
    {"escape.memory", offsetof(escape_piece, memory), nullptr},
    {"escape.older", offsetof(escape_piece, older), nullptr},
    {"escape.left_at", offsetof(escape_piece, left_at), nullptr},
    {"escape.offset", 0, &detail::growstack_escape_offset}, // of the running thread's escape pointer
    {"sizes.policy", offsetof(stack_sizes, policy), nullptr},
    {"policy.name", offsetof(policy, name), nullptr},
    {"chunk.older", offsetof(chunk, older), nullptr},
    {"chunk.entered_from", offsetof(chunk, entered_from), nullptr},
    {"chunk.memory", offsetof(chunk, memory), nullptr},
    {"books.bytes", sizeof(stack_books), nullptr},
    {"books.stack_bytes", offsetof(stack_books, stack_bytes), nullptr},
    {"books.escape", offsetof(stack_books, escape), nullptr},
    {"books.self", offsetof(stack_books, self), nullptr},
    {"books.mark", offsetof(stack_books, mark), nullptr},
    {"books.whole", stack_books::whole, nullptr},
    {"thread.running", offsetof(thread_state, running), nullptr},
    {"thread.root", offsetof(thread_state, root), nullptr},
    {"thread.native", offsetof(thread_state, native), nullptr},
    {"native.caller", offsetof(native_call, caller), nullptr},
    {"native.outer", offsetof(native_call, outer), nullptr},
    {"pool.some_untouched", pool_offsets::some_untouched, nullptr},
    {"pool.all_touched", pool_offsets::all_touched, nullptr},
    {"pool", 0, shared_pool_memory},
    {"classes", pooled_classes, nullptr},
    {"classes.stride", 0, &classes.stride_bytes},
    {"classes.alignment", 0, &classes.slot_alignment},
    {"hi_step", hi_step_bytes, nullptr},
    {"room_bytes", detail::largest_room_bytes + detail::spare_bytes, nullptr}, // that may be open below a stack
    {"span.hook", sizeof(heap::tree_hook), nullptr},                           // its list's: the second base
    {"span.lo", offsetof(mspan, lo), nullptr},
    {"span.lo_shift", scale_shift, nullptr},
    {"span.class", offsetof(mspan, slot_class), nullptr},
    {"span.capacity", offsetof(mspan, capacity), nullptr},
    {"span.untouched", offsetof(mspan, untouched), nullptr},
    {"span.slot_offset", offsetof(mspan, slot_offset), nullptr},
    {"", 0, nullptr},
};

} // namespace

struct told_to_debuggers {
    const fact* facts;
    std::uintptr_t thread_offset; // of growstack_thread from the thread pointer; 0: the program has not begun yet
};

extern "C" told_to_debuggers growstack_for_debuggers;
[[gnu::used]] constinit told_to_debuggers growstack_for_debuggers{facts, 0};

namespace {

// The offset is the same for all threads: growstack_thread is initial-exec.
[[gnu::constructor(101)]] void note_thread_offset() noexcept {
    const auto state = reinterpret_cast<std::uintptr_t>(&this_thread());
    growstack_for_debuggers.thread_offset = state - thread_pointer();
}

} // namespace
} // namespace growstack::grow
