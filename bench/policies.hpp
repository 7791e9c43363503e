// The stacks that are compared, chosen at run time, so that one object file runs on all of them.
#pragma once

#include <growstack/growstack.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace bench {

enum class policy { contiguous, keep_one, eager, reserved, fixed };

inline constexpr policy all_policies[] = {policy::contiguous, policy::keep_one, policy::eager, policy::reserved,
                                          policy::fixed};

inline const char* name(policy p) noexcept {
    constexpr const char* names[] = {"contiguous", "segmented_keep_one", "segmented_eager", "reserved", "fixed"};
    return names[static_cast<int>(p)];
}

template <class Stack, class Body>
growstack::stack_stats run_in_coroutine(Body&& body, const growstack::stack_options& options) {
    growstack::coroutine<Stack> c{std::forward<Body>(body), options};
    while (!c.done()) c.resume();
    return c.stats();
}

/// Runs `body` to its end in a new coroutine with default sizes; only a fixed and a reserved stack are told what it
/// needs.
template <class Body>
growstack::stack_stats run_on(policy p, std::size_t fixed_bytes, Body&& body) {
    using namespace growstack;
    switch (p) {
        case policy::contiguous: return run_in_coroutine<contiguous_stack>(body, contiguous_stack::defaults);
        case policy::keep_one: return run_in_coroutine<segmented_stack>(body, {.release = chunk_release::keep_one});
        case policy::eager: return run_in_coroutine<segmented_stack>(body, {.release = chunk_release::eager});
        case policy::reserved: {
            stack_options options = reserved_stack::defaults;
            options.max_bytes = std::max(options.max_bytes, fixed_bytes);
            return run_in_coroutine<reserved_stack>(body, options);
        }
        default: return run_in_coroutine<fixed_stack>(body, {.initial_bytes = fixed_bytes});
    }
}

/// For ComputeStatistics: on a machine that is shared, the minimum of the repetitions says most about the code.
inline double minimum(const std::vector<double>& repetitions) {
    return *std::min_element(repetitions.begin(), repetitions.end());
}

} // namespace bench
