// Finds what a word in the process's memory belongs to.
#pragma once

#include "observe/audit/memory.hpp"

#include <growstack/audit.hpp>
#include <growstack/detail/stack.hpp>

#include <optional>

namespace growstack::audit {

struct place {
    audit_finding::place_kind kind = audit_finding::mapping;
    bounds object;                // hi is lo: its size is unknown; of variables, the word itself
    const char* module = nullptr; // of thread-local storage; empty: the program
};

struct answer {
    // None: it is free, growstack's or the system's own, or on a stack whose live part is unknown.
    std::optional<place> found;
    bounds nothing; // memory around the address where there is nothing either, if that is known
};

/// Says what the word at `address`, in that mapping, is part of. `moved` is the stack that has moved. `nothing`: what
/// the last answer said of this mapping. `may_wait`: as malloc_block's.
answer place_of(std::uintptr_t address, const mapping& m, const grow::stack& moved, bounds nothing,
                bool may_wait) noexcept;

/// Says if all of a mapping is memory for stacks: coroutines' stacks are searched one by one, as far as they are in
/// use, and so are escape stacks.
bool is_for_stacks(const mapping& m) noexcept;

} // namespace growstack::audit
