// What a coroutine is made of, without its template parameters: a stack, and a body to run on it.
//
// The block lies in the heap, so it stays where it is when the stack moves, and it holds the body with its captures.
// Next: switch.hpp.
#pragma once

#include <growstack/errors.hpp>
#include <growstack/grow/thread.hpp>
#include <growstack/stack_options.hpp>
#include <growstack/stats.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace growstack::detail {

struct control_block {
    grow::stack stack;
    void (*run)(control_block&) = nullptr;
    void (*destroy)(control_block&) noexcept = nullptr; // the block itself
    const void* value_type = nullptr;                   // of a generator: which type it yields
    void* value = nullptr;                              // of a generator: the yielded object, on whatever stack
    std::exception_ptr failure;                         // what left the body
};

// A stack is found from its block and the other way round.
static_assert(offsetof(control_block, stack) == 0);

/// Gives the block a stack. Throws std::invalid_argument for sizes that make no sense, no_stack_memory.
void create(control_block& block, const grow::policy& policy, const stack_options& options);

/// Unwinds the stack of a suspended coroutine and gives it back. Aborts with a message if it runs.
void unwind(control_block& block) noexcept;

/// Returns the block that runs on this thread; null outside coroutines.
inline control_block* running() noexcept {
    grow::stack* self = grow::this_thread().running;
    return self && self->kind ? reinterpret_cast<control_block*>(self) : nullptr;
}

/// Moves a suspended contiguous stack to half its size while under a quarter is used. Returns whether it moved.
bool shrink(control_block& block) noexcept;

/// Gives the unused memory of a suspended coroutine's stack back to the system. Returns whether it is suspended.
bool trim(control_block& block) noexcept;

stack_stats stats_of(const control_block& block) noexcept;

[[noreturn]] void throw_empty_handle(const char* operation);

/// Makes the block a dependent of the running coroutine, whose stack the body's captures may point into.
void join_creator(control_block& block) noexcept;

/// A block with its body, which is constructed after the block has joined its creator: the creator's stack may move at
/// any check on the way, and must find captures that are in place already.
template <class Body>
struct block_of final : control_block {
    block_of() noexcept {}
    ~block_of() {
        if (has_body) std::destroy_at(std::addressof(body));
    }

    bool has_body = false;
    union {
        Body body;
    };
};

struct block_deleter {
    void operator()(control_block* block) const noexcept {
        unwind(*block);
        block->destroy(*block);
    }
};

using block_ptr = std::unique_ptr<control_block, block_deleter>;

/// Makes a block for `body` with a stack; `Run` is called with it on that stack.
template <class Run, class Body>
block_ptr make_block(Body&& body, const grow::policy& policy, const stack_options& options) {
    using block_type = block_of<std::decay_t<Body>>;
    auto* const block = new block_type;
    block->run = [](control_block& b) { Run{}(static_cast<block_type&>(b)); };
    block->destroy = [](control_block& b) noexcept { delete static_cast<block_type*>(&b); };
    block->stack.attached = {reinterpret_cast<std::uintptr_t>(&block->value),
                             reinterpret_cast<std::uintptr_t>(block + 1)};
    block_ptr owner{block};
    join_creator(*block);
    std::construct_at(std::addressof(block->body), std::forward<Body>(body));
    block->has_body = true;
    create(*block, policy, options);
    return owner;
}

} // namespace growstack::detail
