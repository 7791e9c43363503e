// The running coroutine does these things to itself, from any depth and with no handle.
#pragma once

#include <growstack/detail/switch.hpp>

#include <memory>
#include <type_traits>

namespace growstack::this_coroutine {

/// Says if the caller runs in a coroutine.
inline bool is_inside() noexcept { return detail::running() != nullptr; }

/// Gives control back to whoever resumed; returns at the next resume(), perhaps on another thread.
/// Throws usage_error outside a coroutine. Destroying the coroutine meanwhile unwinds from here.
[[gnu::always_inline]] inline void yield() { detail::yield(); }

/// Returns what names the coroutine in messages and trace events; null outside.
inline const void* id() noexcept { return detail::running(); }

/// Returns counts of the running coroutine's stack; zeros outside.
inline stack_stats stats() noexcept {
    const detail::control_block* block = detail::running();
    return block ? detail::stats_of(*block) : stack_stats{};
}

/// Asks for the stack to shrink, by moving, at the next check: to half while under a quarter is used.
/// Does nothing on stacks that cannot move, and outside.
void shrink() noexcept;

/// Grows ahead of time, as a call with a frame of so many bytes would: a contiguous stack moves now, so that code
/// without checks that follows finds room; a segmented one with keep_one keeps a chunk of that size for the next call
/// that needs it. Throws stack_overflow if it cannot. Does nothing where there is room, and outside.
void ensure(std::size_t bytes);

} // namespace growstack::this_coroutine
