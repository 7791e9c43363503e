// The trace hook.
#include "base/trace.hpp"
#include "base/outward_call.hpp"
#include "sanitizer/valgrind.hpp"

#include <growstack/detail/address_sanitizer.hpp>

#include <atomic>

extern "C" {
unsigned char growstack_is_observed = 0;
}

namespace growstack {
namespace {

constinit std::atomic<trace_hook> current_hook{nullptr};

// AddressSanitizer must hear of every chunk.
[[gnu::constructor(102)]] void observe_for_sanitizer() noexcept { growstack_is_observed = grow::has_sanitizer(); }

} // namespace

trace_hook set_trace(trace_hook hook) noexcept {
    const trace_hook before = current_hook.exchange(hook);
    __atomic_store_n(&growstack_is_observed, hook || grow::has_sanitizer(), __ATOMIC_RELAXED);
    return before;
}

const char* name(trace_event::kind_type kind) noexcept {
    switch (kind) {
        case trace_event::newstack:
            return "newstack";
        case trace_event::copystack:
            return "copystack";
        case trace_event::adjust:
            return "adjust";
        case trace_event::stackfree:
            return "stackfree";
        case trace_event::push_chunk:
            return "push_chunk";
        case trace_event::pop_chunk:
            return "pop_chunk";
        case trace_event::open_room:
            return "open_room";
    }
    return "?";
}

namespace grow {

void call_hook(trace_event::kind_type kind, const stack& self, bounds memory, std::size_t bytes,
               std::size_t pointers) noexcept {
    const trace_hook hook = current_hook.load();
    if (!hook) return;
    const outward_call outward;
    hook({kind, &self, memory.lo, memory.hi, bytes, pointers});
}

std::size_t count_differences(const std::uintptr_t* a, const std::uintptr_t* b, std::size_t bytes) noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; i < bytes / sizeof *a; ++i) count += a[i] != b[i];
    define_for_valgrind(&count, sizeof count);
    return count;
}

} // namespace grow
} // namespace growstack
