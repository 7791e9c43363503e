// The control block is a coroutine without its template parameters: a stack, and a body to run on it.
//
// The block lies in the heap, so it stays where it is when the stack moves, and it holds the body with its captures.
// Next: switch.hpp.
#pragma once

#include <growstack/detail/thread.hpp>
#include <growstack/errors.hpp>
#include <growstack/stack_options.hpp>
#include <growstack/stats.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <utility>

namespace growstack::detail {

struct control_block;

/// What depends on the type of the body.
struct block_type {
    void (*run)(control_block&);
    void (*destroy_body)(control_block&) noexcept; // null: nothing to do
    std::size_t bytes;                             // of block and body; of a block that is used again, rounded up
    std::size_t alignment;
    unsigned size_class; // in block_step_bytes
    bool is_cached;      // blocks of this size are used again
};

inline constexpr std::size_t block_step_bytes = 16, block_alignment = 16, largest_cached_block_bytes = 512;

/// Below the stack's own books, as long as there is a stack.
struct coroutine_books {
    const void* value_type = nullptr; // of a generator: which type it yields
    std::exception_ptr failure{};     // what left the body
};

struct control_block {
    grow::stack stack;
    const block_type* type = nullptr;
    void* value = nullptr; // of a generator: the yielded object, on whatever stack

    /// Precondition: there is a stack.
    coroutine_books& books() noexcept { return reinterpret_cast<coroutine_books*>(stack.frames_hi())[-1]; }
    const coroutine_books& books() const noexcept {
        return reinterpret_cast<const coroutine_books*>(stack.frames_hi())[-1];
    }
};

// A stack is found from its block and the other way round.
static_assert(offsetof(control_block, stack) == 0);

/// Returns a block with a stack, and room for a body. `is_default`: the options are the policy's constant ones. Throws
/// std::invalid_argument for sizes that make no sense, no_stack_memory, std::bad_alloc.
control_block* new_block(const block_type& type, const grow::policy& policy, const stack_options& options,
                         bool is_default);

/// Gives the block back. Its coroutine is dead.
void delete_block(control_block& block) noexcept;

/// Destroys the body of a coroutine that has ended, or will not run any more.
void destroy_body(control_block& block) noexcept;

/// Unwinds the stack of a suspended coroutine and gives it back. Aborts with a message if it runs.
void unwind(control_block& block) noexcept;

/// Returns the block that runs on this thread; null outside coroutines.
inline control_block* running() noexcept {
    grow::stack* self = grow::this_thread().running;
    return self && self->policy() ? reinterpret_cast<control_block*>(self) : nullptr;
}

/// Moves a suspended contiguous stack to half its size while under a quarter is used. Returns whether it moved.
bool shrink(control_block& block) noexcept;

/// Gives the unused memory of a suspended coroutine's stack back to the system. Returns whether it is suspended.
bool trim(control_block& block) noexcept;

stack_stats stats_of(const control_block& block) noexcept;

[[noreturn]] void throw_empty_handle(const char* operation);

void join_running(control_block& block) noexcept;

/// Makes the block a dependent of the running coroutine, whose stack the body's captures may point into.
inline void join_creator(control_block& block) noexcept {
    const grow::thread_state& thread = grow::this_thread();
    if (thread.running && (thread.running->policy() || thread.native)) join_running(block);
}

template <class Body>
inline constexpr std::size_t body_offset = (sizeof(control_block) + alignof(Body) - 1) / alignof(Body) * alignof(Body);

template <class Body>
Body* body_of(control_block& block) noexcept {
    return reinterpret_cast<Body*>(reinterpret_cast<std::byte*>(&block) + body_offset<Body>);
}

struct block_deleter {
    void operator()(control_block* block) const noexcept {
        if (!block->stack.is_dead()) unwind(*block);
        delete_block(*block);
    }
};

using block_ptr = std::unique_ptr<control_block, block_deleter>;

template <class Run, class Body>
inline constexpr block_type type_of = [] {
    constexpr std::size_t bytes = body_offset<Body> + sizeof(Body);
    constexpr std::size_t rounded = (bytes + block_step_bytes - 1) / block_step_bytes * block_step_bytes;
    constexpr bool is_cached = rounded <= largest_cached_block_bytes && alignof(Body) <= block_alignment;
    block_type type{.run = [](control_block& block) { Run{}(*body_of<Body>(block)); },
                    .destroy_body = nullptr,
                    .bytes = is_cached ? rounded : bytes,
                    .alignment = std::max(block_alignment, alignof(Body)),
                    .size_class = static_cast<unsigned>(rounded / block_step_bytes),
                    .is_cached = is_cached};
    if (!std::is_trivially_destructible_v<Body>)
        type.destroy_body = [](control_block& block) noexcept { std::destroy_at(body_of<Body>(block)); };
    return type;
}();

/// Makes a block for `body` with a stack; `Run` is called with the body on that stack. The body is constructed after
/// the block has joined its creator: the creator's stack may move at any check on the way, and must find captures that
/// are in place already.
template <class Stack, class Run, class Body>
block_ptr make_block(Body&& body, const stack_options& options) {
    using body_type = std::decay_t<Body>;
    block_ptr owner{new_block(type_of<Run, body_type>, Stack::policy(), options, &options == &Stack::defaults)};
    join_creator(*owner);
    std::construct_at(body_of<body_type>(*owner), std::forward<Body>(body));
    owner->stack.add(grow::has_body);
    return owner;
}

} // namespace growstack::detail
