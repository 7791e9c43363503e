// Peer: ucontext, of libc: each switch asks the kernel to set the signal mask. Its stack is ready, as the one of raw
// fcontext.
#include "measure.hpp"

#include <ucontext.h>

namespace {

ucontext_t caller, other;
char stack[64 << 10];

void yield() { swapcontext(&other, &caller); }

void yield_for_ever() {
    for (;;) yield();
}

void start(void (*body)()) {
    getcontext(&other);
    other.uc_stack.ss_sp = stack;
    other.uc_stack.ss_size = sizeof stack;
    other.uc_link = &caller;
    makecontext(&other, body, 0);
}

void resume() { swapcontext(&caller, &other); }

} // namespace

int main() {
    start(yield_for_ever);
    peers::measure("switch", "ucontext", "pair", resume);
    peers::measure("create", "ucontext", "run", [] {
        start([] {});
        resume();
    });
    peers::measure("create", "ucontext", "yield", [] {
        start(yield);
        resume();
        resume();
    });
}
