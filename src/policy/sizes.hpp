// From stack_options to the sizes that a stack uses: checked, rounded, and shared by all stacks with the same options.
#pragma once

#include "base/modes.hpp"

#include <growstack/detail/stack.hpp>
#include <growstack/stack_options.hpp>

namespace growstack::detail {

/// What the calling thread used last: it creates many coroutines with the options of the one before. One for each
/// policy.
struct last_sizes {
    unsigned stress_bits; // under which the others hold
    const grow::stack_sizes* sizes_by_default;
    const grow::stack_sizes* sizes;
    stack_options options; // of `sizes`
};
[[gnu::tls_model("initial-exec"),
  gnu::visibility("hidden")]] extern constinit thread_local last_sizes last_used[grow::policy_count];

/// Returns the sizes for a stack of that policy under the hard modes that are on now. They stay where they are for
/// good, and are the same object for the same options. Throws std::invalid_argument for sizes that make no sense.
/// Thread-safe. `is_default`: the options are the policy's constant ones, and need not be compared.
const grow::stack_sizes& sizes_for(const grow::policy& policy, const stack_options& options, bool is_default);

/// Returns the same if they are those that the thread used last; null otherwise.
inline const grow::stack_sizes* known_sizes(const grow::policy& policy, const stack_options& options,
                                            bool is_default) noexcept {
    const last_sizes& last = last_used[policy.index];
    if (last.stress_bits != grow::stress_bits.load(std::memory_order_relaxed)) [[unlikely]]
        return nullptr;
    if (is_default) return last.sizes_by_default;
    return last.options == options ? last.sizes : nullptr;
}

} // namespace growstack::detail
