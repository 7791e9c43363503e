// Tells Valgrind where stacks are, and what in them is defined. Elsewhere that costs a bit, which slow paths test
// anyway.
#pragma once

#include "base/modes.hpp"
#include "base/relocate.hpp"

#include <cstddef>

namespace growstack::grow {

/// Says if the program runs under Valgrind, whose header was there when the library was compiled.
bool has_valgrind() noexcept;

/// Says that sp is going to change to this stack, and back. Returns its number for forget_stack; 0: it has none.
unsigned announce_stack(bounds memory) noexcept;
void forget_stack(unsigned number) noexcept;

/// A slot, with its guard, is a stack from now on. What lies in it is undefined. One thread at a time, as retire_slot.
void announce_slot(bounds slot) noexcept;

/// Marks a free slot inaccessible, except for the two words in which the pool links it.
void retire_slot(bounds slot) noexcept;

/// What lies here counts as defined.
void define_for_valgrind(void* lo, std::size_t bytes) noexcept;

/// Makes memory that frames have left, which is inaccessible to Memcheck, accessible: it is written to before sp goes
/// there.
void reuse_for_valgrind(bounds memory) noexcept;

/// Makes memory inaccessible to Memcheck until it is used again.
void retire_for_valgrind(bounds memory) noexcept;

/// While it lives, what this thread does is no error: it looks at memory that may be anything.
class valgrind_ignores {
public:
    valgrind_ignores() noexcept;
    ~valgrind_ignores();
    valgrind_ignores(const valgrind_ignores&) = delete;
    valgrind_ignores& operator=(const valgrind_ignores&) = delete;
};

} // namespace growstack::grow
