// Code with checks that calls back into code without.
#pragma once

#include <cstddef>

namespace guard::checked {

using callback = std::size_t (*)(void*);

/// Recurses `levels` deep and calls `f(argument)` at the bottom. Returns `levels` + 1 + what `f` returns.
std::size_t recurse(std::size_t levels, callback f, void* argument);

} // namespace guard::checked
