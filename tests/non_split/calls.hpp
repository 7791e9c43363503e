#pragma once

#include <cstddef>

int call_from_checked_code(std::size_t bytes);
int use_unchecked(std::size_t bytes);
