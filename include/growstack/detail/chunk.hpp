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
    bool is_kept = false;         // on return, keep it for the next check instead of freeing it
    bool is_new = true;           // not linked yet
    unsigned size_class = 0;      // of its memory, as stackalloc counts them
    std::uintptr_t opened_lo = 0; // of its growth room: what is open begins here; 0: none of it
};

/// Where a call continues after its check: `frame` is where the check's frame lies now (it may have moved);
/// `callee_sp` is null if the callee runs there, else the sp in a chunk on which __morestack must call it.
struct check_result {
    check_frame* frame;
    void* callee_sp;
};

/// Links a chunk with room for a frame of frame_bytes and copies the callee's arg_bytes of stack arguments to it.
/// Runs on the thread's root stack. If the stack's max_bytes or memory does not allow it, what overflow() does.
check_result push_chunk(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t arg_bytes);

/// Unlinks the chunk that `frame` entered; called when the callee has returned or an exception leaves it.
void pop_chunk(check_frame& frame) noexcept;

/// Frees the chunk that is kept for the next call, if there is one.
void free_kept_chunk(stack& self) noexcept;

/// Gives back every chunk, linked ones too: for a stack that no code runs on any more.
void release_chunks(stack& self) noexcept;

} // namespace growstack::grow
