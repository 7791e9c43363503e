// Thread state. Initial-exec: reached with one load from the thread pointer, by the assembly and by every switch.
#include <growstack/detail/thread.hpp>

extern "C" {
[[gnu::tls_model("initial-exec")]] constinit thread_local growstack::grow::thread_state growstack_thread;
}

namespace growstack::grow {
struct told_to_debuggers;
extern "C" told_to_debuggers growstack_for_debuggers;
// Nothing else brings what debuggers are told out of the static library into every program.
[[gnu::used]] static told_to_debuggers* const for_debuggers = &growstack_for_debuggers;
} // namespace growstack::grow
