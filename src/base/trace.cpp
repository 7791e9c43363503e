// The trace hook.
#include "base/escape_pointer.hpp"
#include "base/watch.hpp"

#include <atomic>
#include <iterator>

namespace growstack {
namespace {

constinit std::atomic<trace_hook> current_hook{nullptr};

void call_hook(const grow::growth_step& step) noexcept {
    const grow::on_threads_escape_stack roomy;
    if (const trace_hook hook = current_hook.load())
        hook({step.kind, &step.self, step.memory.lo, step.memory.hi, step.bytes, step.pointers});
}

} // namespace

trace_hook set_trace(trace_hook hook) noexcept {
    const trace_hook before = current_hook.exchange(hook);
    grow::watch(grow::watch_place::trace, hook ? call_hook : nullptr);
    return before;
}

const char* name(trace_event::kind_type kind) noexcept {
    constexpr const char* names[] = {"newstack",   "copystack", "adjust",    "stackfree",
                                     "push_chunk", "pop_chunk", "open_room", "add_escape"};
    const auto i = static_cast<std::size_t>(kind); // in this type: Clang knows that all kinds have a name
    return i < std::size(names) ? names[i] : "?";
}

} // namespace growstack
