// Loops over local arrays, compiled for each width of vector registers: the first store into an array runs out of the stack
// while the registers hold sums, or pointers to locals.
#pragma once

namespace guard {

#define GUARD_DECLARE_VECTORS(space)                                                                                        \
    namespace space {                                                                                                       \
    bool copies_pointers();                                                                                                 \
    bool keeps_sums();                                                                                                      \
    }

GUARD_DECLARE_VECTORS(vectors_128)
GUARD_DECLARE_VECTORS(vectors_256)
GUARD_DECLARE_VECTORS(vectors_512)

} // namespace guard
