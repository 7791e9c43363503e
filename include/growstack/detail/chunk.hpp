// A piece of a linked stack: its header lies at the high end, and frames grow down from there.
//
//      memory.lo            limit                      chunk*     memory.hi
//      |  headroom           |   frames  <------------ | header    |
//
// The chunk is entered with sp = address of the header. `older` is the chunk that called into this one, null when
// that was the stack's first memory. Linking and unlinking without asking the allocator (a kept chunk) happens in
// the assembly of src/arch; everything else in src/stack/chunk.cpp.
//
// Source: struct stack_segment of libgcc (generic-morestack.c); the kept chunk is its answer to the hot split.
#pragma once

#include <growstack/detail/bounds.hpp>

#include <cstddef>

namespace growstack::grow {

struct check_frame;
struct stack;

struct alignas(64) chunk {
    chunk* older = nullptr;
    stack* owner = nullptr;
    std::uintptr_t limit = 0;            // of frames in this chunk
    check_frame* entered_from = nullptr; // on the older memory
    bounds memory;
    bool is_kept = false;          // on return, keep it for the next check instead of freeing it
    bool is_new = true;            // not linked yet
    bool is_in_transition = false; // linked for a signal handler between two states of the kept chunk
    unsigned size_class = 0;       // of its memory, as stackalloc counts them
    std::uintptr_t opened_lo = 0;  // of its growth room: what is open begins here; 0: none of it
};

} // namespace growstack::grow
