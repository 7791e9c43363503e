// Code with checks, for the tests of both kinds together: compiled with -fsplit-stack.
#include "checked.hpp"

namespace guard::checked {

std::size_t recurse(std::size_t levels, callback f, void* argument) {
    volatile std::size_t here = levels;
    volatile std::size_t* const pointer = &here;
    asm volatile("" : : "r"(pointer) : "memory");
    const std::size_t below = levels ? recurse(levels - 1, f, argument) : f(argument);
    return *pointer == levels && here == levels ? below + 1 : 0;
}

} // namespace guard::checked
