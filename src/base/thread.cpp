// The state of each thread. Initial-exec: reached with one load from the thread pointer, by the assembly and by every
// switch.
#include <growstack/detail/thread.hpp>

extern "C" {
[[gnu::tls_model("initial-exec")]] constinit thread_local growstack::grow::thread_state growstack_thread;
}

// Nothing else brings what debuggers are told, and the audit's setting, out of the static library into every program.
extern "C" {
extern const char growstack_for_debuggers, growstack_audit_setting;
[[gnu::used]] static const char* const wanted[] = {&growstack_for_debuggers, &growstack_audit_setting};
}
