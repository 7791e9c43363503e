// A fifth policy, which the library does not know: one record, and one struct that names it.
#pragma once

#include <growstack/growstack.hpp>

namespace test {

/// Links chunks, each at least as large as all memory before it, while max_bytes allows that.
struct doubling_stack {
    static constexpr growstack::stack_options defaults{};
    static const growstack::grow::policy& policy() noexcept;
};

} // namespace test
