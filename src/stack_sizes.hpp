// From stack_options to the sizes that a stack uses: checked, rounded, and shared by all stacks with the same options.
#pragma once

#include "stress.hpp"

#include <growstack/grow/stack.hpp>
#include <growstack/stack_options.hpp>

namespace growstack::detail {

/// What the calling thread used last: it creates many coroutines with the options of the one before. One for each policy.
struct last_sizes {
    stack_options options;
    unsigned stress_bits;
    const grow::stack_sizes* sizes;
};
[[gnu::tls_model("initial-exec")]] extern constinit thread_local last_sizes last_used[grow::policy_count];

/// Returns the sizes for a stack of that policy under the hard modes that are on now. They stay where they are for good, and are
/// the same object for the same options. Throws std::invalid_argument for sizes that make no sense. Thread-safe.
const grow::stack_sizes& sizes_for(const grow::policy& policy, const stack_options& options);

/// Returns the same if they are those that the thread used last; null otherwise.
inline const grow::stack_sizes* last_sizes_if_same(const grow::policy& policy, const stack_options& options) noexcept {
    const last_sizes& last = last_used[policy.index];
    const bool is_same = last.stress_bits == grow::stress_bits.load(std::memory_order_relaxed) && last.options == options;
    return is_same ? last.sizes : nullptr;
}

} // namespace growstack::detail
