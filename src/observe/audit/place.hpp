// What a word in the process's memory belongs to.
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

/// Returns what the word at `address`, in that mapping, is part of. Nothing: it is free, or growstack's or the system's
/// own, or on a stack whose live part is unknown. `moved` is the stack that has moved. `nothing`: set to memory around
/// the address where there is nothing either, if that is known. `may_wait`: as malloc_block's.
std::optional<place> place_of(std::uintptr_t address, const mapping& m, const grow::stack& moved, bounds& nothing,
                              bool may_wait) noexcept;

/// Says if all of a mapping is memory for stacks: coroutines' stacks are searched one by one, as far as they are in
/// use.
bool is_for_stacks(const mapping& m) noexcept;

} // namespace growstack::audit
