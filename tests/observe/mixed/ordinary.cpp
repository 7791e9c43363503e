// Its local lies on the native stack, whoever knows its address.
#include "ordinary.hpp"

namespace ordinary {

void give_away_a_local(int** place, void (*grow)(void*), void* argument) {
    int local = 1;
    *place = &local;
    grow(argument);
    asm volatile("" : : "r"(&local) : "memory");
}

} // namespace ordinary
