// Watchers hear of what growth does to a stack: AddressSanitizer, the trace hook, the audit. Growth tells one list of
// them, and knows none.
#pragma once

#include <growstack/detail/stack.hpp>
#include <growstack/trace.hpp>

// Read by __morestack too: a kept chunk is not entered behind a watcher's back.
extern "C" [[gnu::visibility("hidden")]] unsigned char growstack_is_observed;

namespace growstack::grow {

/// What of a stack is copied, and what counts as a pointer into it: a frame may have been set up that the memory has no
/// room for.
struct live_range {
    std::uintptr_t lo;
    std::uintptr_t lowest_pointer;
    std::uintptr_t code = 0;       // that asked for the move; 0: none did
    bool is_at_fault = false;      // at whatever instruction
    std::uintptr_t marked_lo = lo; // of the innermost frame: it may have marks in the shadow before it is touched
};

/// A stack on its way from `old` to `fresh` memory.
struct stack_move {
    stack& self;
    bounds old, fresh;
    live_range live;
    displacement moved{{live.lowest_pointer, old.hi}, fresh.hi - old.hi};

    /// Where the frames were: whoever still points there has not been re-pointed.
    bounds left_frames() const noexcept { return {live.lo, old.hi - sizeof(stack_books)}; }
};

/// One step of growth. The first five are those of trace_event.
struct growth_step {
    trace_event::kind_type kind;
    stack& self;
    bounds memory;
    std::size_t bytes = 0;
    std::size_t pointers = 0;
    const stack_move* move = nullptr; // of an adjust: all is re-pointed, and the old memory is still there
};

using watcher = void (*)(const growth_step& step) noexcept;

/// The places on the list, in the order in which watchers are told.
enum class watch_place { address_sanitizer, trace, audit };

/// Puts a watcher on its place of the list, or takes it off: null. Any thread.
void watch(watch_place place, watcher w) noexcept;

inline bool is_watched() noexcept { return __atomic_load_n(&growstack_is_observed, __ATOMIC_RELAXED); }

/// Tells all watchers. Keeps the vector registers.
void tell_watchers(const growth_step& step) noexcept;

// By value: the step is put together only where somebody hears of it.
inline void tell(trace_event::kind_type kind, stack& self, bounds memory, std::size_t bytes) noexcept {
    if (is_watched()) [[unlikely]]
        tell_watchers({kind, self, memory, bytes});
}

} // namespace growstack::grow
