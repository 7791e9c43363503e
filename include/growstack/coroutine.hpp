// coroutine<Stack>: a function that can be left in the middle and continued, on a stack of its own that grows.
#pragma once

#include <growstack/contiguous_stack.hpp>
#include <growstack/fixed_stack.hpp>
#include <growstack/reserved_stack.hpp>
#include <growstack/segmented_stack.hpp>
#include <growstack/this_coroutine.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace growstack {

/// As in Lua: normal means that it has resumed another coroutine and waits for that one.
enum class coroutine_status { suspended, running, normal, dead };

/// How a stack grows: contiguous_stack, segmented_stack, reserved_stack, fixed_stack.
template <class T>
concept stack_policy = requires {
    { T::policy() } -> std::same_as<const grow::policy&>;
    { T::defaults } -> std::convertible_to<stack_options>;
};

/// Owns a suspended computation. Move-only. Not to be used by two threads at a time; each resume() may come from
/// another thread.
template <stack_policy Stack = contiguous_stack>
class coroutine {
public:
    /// Has no body: resume() throws usage_error, done() is true.
    coroutine() noexcept = default;

    /// Takes any callable without parameters, move-only ones too; its result is discarded. Does not run it yet.
    /// Throws std::invalid_argument for sizes that make no sense, and std::bad_alloc (no_stack_memory for the stack).
    template <class Body>
        requires(std::invocable<std::decay_t<Body>&> && !std::same_as<std::decay_t<Body>, coroutine>)
    explicit coroutine(Body&& body, const stack_options& options = Stack::defaults)
        : block_{detail::make_block<Stack, run_body>(std::forward<Body>(body), options)} {}

    coroutine(coroutine&&) noexcept = default;
    coroutine& operator=(coroutine&&) noexcept = default;
    /// Destroying a suspended coroutine unwinds its stack: locals are destroyed, and no catch (...) can stop it.
    ~coroutine() { block_.reset(); }

    /// Runs the body until it yields or ends. An exception that leaves the body leaves resume().
    /// Throws usage_error if the coroutine is not suspended.
    [[gnu::always_inline]] void resume() {
        if (!block_) [[unlikely]]
            detail::throw_empty_handle("resume()");
        detail::resume(*block_);
    }

    bool done() const noexcept { return !block_ || block_->stack.is_dead(); }

    coroutine_status status() const noexcept {
        if (done()) return coroutine_status::dead;
        if (block_->stack.is_suspended()) return coroutine_status::suspended;
        return detail::running() == block_.get() ? coroutine_status::running : coroutine_status::normal;
    }

    /// Moves a suspended contiguous stack to half its size while under a quarter of it is used. Returns whether it
    /// moved: pointers to the coroutine's locals are then stale.
    bool shrink() noexcept { return block_ && detail::shrink(*block_); }

    /// Gives memory that a suspended coroutine's stack does not use back to the system, in place: pages below its last
    /// frame, its growth room, a kept chunk. Returns false if it is not suspended.
    bool trim() noexcept { return block_ && detail::trim(*block_); }

    stack_stats stats() const noexcept { return block_ ? detail::stats_of(*block_) : stack_stats{}; }

    /// Names the coroutine in messages and trace events.
    const void* id() const noexcept { return block_.get(); }

    explicit operator bool() const noexcept { return !done(); }

private:
    struct run_body {
        template <class Body>
        void operator()(Body& body) const {
            static_cast<void>(body());
        }
    };

    detail::block_ptr block_;
};

template <class Body>
explicit coroutine(Body&&) -> coroutine<contiguous_stack>;
template <class Body>
explicit coroutine(Body&&, stack_options) -> coroutine<contiguous_stack>;

} // namespace growstack
