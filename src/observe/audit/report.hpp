// The audit's words.
#pragma once

#include "base/watch.hpp"
#include "observe/audit/frames.hpp"
#include "observe/audit/place.hpp"

namespace growstack::audit {

struct finding {
    place where;
    std::uintptr_t address = 0; // of the word, the first of several in the same object
    std::uintptr_t word = 0;
    std::size_t words = 0;
    const grow::stack* coroutine = nullptr; // on whose stack it lies
};

/// Returns the variable that the address lies in; the word itself if it has no name.
bounds variable_at(std::uintptr_t address) noexcept;

/// Returns where the function begins that the code is part of; the code itself if that is unknown.
std::uintptr_t function_at(std::uintptr_t code) noexcept;

/// Tells the hook, or stderr. `of_moved`: the frames that have moved; `mover`: those of the code that asked for it. One
/// thread at a time.
void report(const finding& f, const grow::stack_move& m, const frames& of_moved, const frames& mover) noexcept;

/// There were so many findings more than one audit keeps.
void report_more(std::size_t count) noexcept;

/// At the program's end: so many moves were searched, and nothing was told.
void report_nothing(std::size_t moves) noexcept;

/// The audit stays off. Once.
void report_valgrind() noexcept;

/// The environment variable has a value that means nothing.
void report_bad_setting(const char* value) noexcept;

} // namespace growstack::audit
