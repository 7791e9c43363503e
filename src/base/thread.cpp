// The state of each thread. Initial-exec: reached with one load from the thread pointer, by the assembly and by every
// switch.
#include <growstack/detail/thread.hpp>

extern "C" {
[[gnu::tls_model("initial-exec")]] constinit thread_local growstack::grow::thread_state growstack_thread;
}

namespace growstack::grow {
struct told_to_debuggers;

extern "C" {
extern told_to_debuggers growstack_for_debuggers;
extern const char growstack_audit_setting[];

// Nothing else brings what debuggers are told, and the audit's setting, out of the static library into every program.
[[gnu::used]] static const void* const wanted[] = {&growstack_for_debuggers, growstack_audit_setting};
}
} // namespace growstack::grow
