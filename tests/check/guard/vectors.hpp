// Vector registers that hold sums, or pointers to locals, while a store runs out of the stack: compiled for each width.
#pragma once

namespace guard {

#define GUARD_DECLARE_VECTORS(space) \
    namespace space {                \
    bool copies_pointers();          \
    bool keeps_sums();               \
    bool repoints_registers();       \
    }

GUARD_DECLARE_VECTORS(vectors_128)
GUARD_DECLARE_VECTORS(vectors_256)
GUARD_DECLARE_VECTORS(vectors_512)

} // namespace guard
