// Code of an ordinary build, by GCC, which safe code calls and which calls back.
#pragma once

namespace ordinary {

/// Keeps the address of its own local in `place` while `grow(argument)` runs.
void give_away_a_local(int** place, void (*grow)(void*), void* argument);

} // namespace ordinary
