// The trace hook: what growth does, step by step.
#pragma once

#include <cstddef>
#include <cstdint>

namespace growstack {

struct trace_event {
    /// The steps of a move, in their order, those of linked chunks, growth in place, and growth of an escape stack.
    enum kind_type { newstack, copystack, adjust, stackfree, push_chunk, pop_chunk, open_room, add_escape };

    kind_type kind;
    const void* coroutine; ///< as this_coroutine::id()
    std::uintptr_t lo;     ///< the memory the step is about: [lo, hi)
    std::uintptr_t hi;
    /// newstack, stackfree: of [lo, hi). copystack: of live frames. push_chunk: of the chunk if it is new, 0 if it was
    /// kept. pop_chunk: of the chunk if it is freed, 0 if it is kept; stackfree tells when a kept one goes.
    /// open_room: of [lo, hi), which became part of the stack. add_escape: of the new piece of the escape stack.
    std::size_t bytes;
    std::size_t pointers; ///< adjust: words that were re-pointed
};

/// Returns the event's kind as text: "newstack", ...
const char* name(trace_event::kind_type kind) noexcept;

using trace_hook = void (*)(const trace_event&);

/// Calls `hook` at each step from now on, in every thread; null switches it off. Returns the hook before.
/// The hook runs on the thread's own stack in the middle of growth: it must not throw, resume or yield. Where code
/// without checks ran into the guard page, it runs in a signal handler: async-signal-safe functions only.
trace_hook set_trace(trace_hook hook) noexcept;

} // namespace growstack
