// How the library asks for its hard modes.
#pragma once

#include <growstack/stress.hpp>

namespace growstack::grow {

bool is_poisoning() noexcept;

} // namespace growstack::grow
