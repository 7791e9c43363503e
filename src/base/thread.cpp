// Thread state. Initial-exec: reached with one load from the thread pointer, by the assembly and by every switch.
#include <growstack/detail/thread.hpp>

extern "C" {
[[gnu::tls_model("initial-exec")]] constinit thread_local growstack::grow::thread_state growstack_thread;
}
