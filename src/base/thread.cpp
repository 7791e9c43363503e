// Thread state. Initial-exec: reached with one load from the thread pointer, by the assembly and by every switch.
#include <growstack/detail/thread.hpp>

extern "C" {
[[gnu::tls_model("initial-exec")]] constinit thread_local growstack::grow::thread_state growstack_thread;
}

// With the state comes what debuggers are told of it, out of the static library: nothing else refers to that.
namespace growstack::grow {

struct told_to_debuggers;
extern "C" const told_to_debuggers growstack_for_debuggers;
[[gnu::used]] static const told_to_debuggers* const for_debuggers = &growstack_for_debuggers;

} // namespace growstack::grow
