// Has none.
#include "calls.hpp"

#include <alloca.h>

int use_unchecked(std::size_t bytes) {
    auto* const space = static_cast<volatile char*>(alloca(bytes));
    for (std::size_t i = 0; i < bytes; i += 64) space[bytes - 1 - i] = 1;
    return space[bytes - 1];
}
