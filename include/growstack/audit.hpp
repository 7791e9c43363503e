// The audit: at each move of a stack, who still points into it?
//
//      globals, growstack's heap, malloc's blocks, other coroutines' stacks  --- search --->  words that were not
//      re-pointed
//
// Each is told with its name, and with the code that had the stack moved. What to do then: growstack::pin,
// growstack::root.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace growstack {

/// A word that points to where a stack's frames were before it moved.
struct audit_finding {
    enum place_kind {
        global,
        thread_local_storage,
        heap_block,
        coroutine_stack,
        thread_stack,
        mapping,
        coroutine_escape_stack, ///< docs/safe-build.md
        thread_escape_stack
    };

    place_kind place;
    const void* word;         ///< where it lies
    const void* object;       ///< the global, the block, or the coroutine's id
    std::size_t object_bytes; ///< 0: unknown
    std::size_t offset;       ///< of the word from the object's start; on a stack, from what is innermost there
    std::size_t words;        ///< that are stale in the same object, this one included
    const char* name;         ///< of a global, and of the file that it is in: "queue, in ./app"; null: it has none
    const void* coroutine;    ///< whose stack has moved
    std::size_t move;         ///< which of its moves it was, counted from 1
    const char* function;     ///< into whose frame the word points; null: unknown
    std::size_t frame_offset; ///< from that frame's low end, bytes
    std::span<const std::uintptr_t> backtrace; ///< code that had the stack moved, innermost first; of a recursion, once
    const char* text;                          ///< all of it as text, in lines
};

/// Returns the kind as text: "global", ...
const char* name(audit_finding::place_kind place) noexcept;

/// Switches the audit on or off, for all threads. Also by the environment, from the start: GROWSTACK_AUDIT=1. Each move
/// then searches all of the process's writable memory, in time linear in that; what is freed is overwritten, so that
/// old contents are not found. Each finding is told once. Aligned words only; memory of other allocators than glibc's
/// malloc and the sanitizers' is searched, but without its blocks' bounds. Under Valgrind it stays off, and says so.
/// Switched on by the environment, it says at the program's end if it has found nothing.
/// Returns whether it was on.
bool set_audit(bool is_on) noexcept;

using audit_hook = void (*)(const audit_finding&);

/// Calls `hook` for each finding instead of printing its text to stderr; null: prints. Returns the hook before. The
/// hook runs on the thread's own stack in the middle of growth: it must not throw, resume or yield; where code without
/// checks ran into the guard, it runs in a signal handler.
audit_hook set_audit_hook(audit_hook hook) noexcept;

} // namespace growstack
