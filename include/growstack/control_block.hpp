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
    void* value = nullptr;                              // of a generator: the yielded object
    std::exception_ptr failure;                         // what left the body
};

// A stack is found from its block and the other way round.
static_assert(offsetof(control_block, stack) == 0);

/// Gives the block a stack. Throws std::invalid_argument for sizes that make no sense, std::bad_alloc.
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

stack_stats stats_of(const control_block& block) noexcept;

[[noreturn]] void throw_empty_handle(const char* operation);

/// A block with its body.
template <class Body>
struct block_of final : control_block {
    explicit block_of(Body&& b) : body(std::forward<Body>(b)) {}
    std::decay_t<Body> body;
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
    using block_type = block_of<Body>;
    auto block = std::make_unique<block_type>(std::forward<Body>(body));
    block->run = [](control_block& b) { Run{}(static_cast<block_type&>(b)); };
    block->destroy = [](control_block& b) noexcept { delete static_cast<block_type*>(&b); };
    // A generator's value and the body may point into the stack of whoever created them.
    block->stack.attached = {reinterpret_cast<std::uintptr_t>(&block->value),
                             reinterpret_cast<std::uintptr_t>(block.get() + 1)};
    create(*block, policy, options);
    return block_ptr{block.release()};
}

} // namespace growstack::detail
