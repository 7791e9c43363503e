// Has a check in every function.
#include "calls.hpp"

int call_from_checked_code(std::size_t bytes) { return use_unchecked(bytes) + 1; }
