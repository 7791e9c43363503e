// Installing the fault handler, passing on what is not ours, and who lacks SA_ONSTACK.
#include "base/message.hpp"
#include "check/guard_fault.hpp"

#include <growstack/signals.hpp>

#include <signal.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace growstack {
namespace {

constexpr int fault_signals[] = {SIGSEGV, SIGBUS};

struct sigaction previous[2]; // in the order of fault_signals

struct sigaction& previous_of(int signal) noexcept { return previous[signal == SIGBUS]; }

bool is_sent_by_a_process(const siginfo_t& info) noexcept { return info.si_code <= 0; }

// The default action: at the same instruction again, or by the same signal again.
void take_default_action(int signal, const siginfo_t& info) noexcept {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, nullptr);
    if (is_sent_by_a_process(info)) ::raise(signal); // blocked until the handler returns
}

// The mask that the kernel would have set for the handler. What was blocked before comes back with the handler's
// return.
void set_mask_for(const struct sigaction& handler, int signal, const ucontext_t& interrupted) noexcept {
    sigset_t mask = interrupted.uc_sigmask;
    ::sigorset(&mask, &mask, &handler.sa_mask);
    if (!(handler.sa_flags & SA_NODEFER)) ::sigaddset(&mask, signal);
    ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

} // namespace

// Not inlined, and not of this file alone: for breakpoints.
void pass_fault_on(int signal, siginfo_t* info, void* context);
[[gnu::noinline]] void pass_fault_on(int signal, siginfo_t* info, void* context) {
    const struct sigaction handler = previous_of(signal);
    if (handler.sa_handler == SIG_IGN && is_sent_by_a_process(*info)) return;
    if (handler.sa_handler == SIG_DFL || handler.sa_handler == SIG_IGN) return take_default_action(signal, *info);
    if (handler.sa_flags & static_cast<int>(SA_RESETHAND)) previous_of(signal).sa_handler = SIG_DFL;
    set_mask_for(handler, signal, *static_cast<ucontext_t*>(context));
    if (handler.sa_flags & SA_SIGINFO) handler.sa_sigaction(signal, info, context);
    else handler.sa_handler(signal);
}

namespace {

// Not noexcept: a program's handler may throw, where it is compiled for that.
void on_fault(int signal, siginfo_t* info, void* context) {
    const int error = errno;
    grow::interrupted_code code{context};
    if (is_sent_by_a_process(*info) || !grow::serve_fault(*info, code)) pass_fault_on(signal, info, context);
    errno = error;
}

// The kernel has 64 signals, and glibc leaves in the rest of the mask whatever was on its stack: the audit would find
// that.
void clear_unused_part(sigset_t& mask) noexcept {
    constexpr std::size_t used_bytes = 8;
    std::memset(reinterpret_cast<char*>(&mask) + used_bytes, 0, sizeof mask - used_bytes);
}

bool is_ours(const struct sigaction& handler) noexcept {
    return (handler.sa_flags & SA_SIGINFO) && handler.sa_sigaction == on_fault;
}

// A sanitizer whose option is handle_segv=2 keeps SIGSEGV, and says nothing: what it then reports as a stack overflow
// may be none.
void warn_if_not_installed() noexcept {
    struct sigaction found;
    ::sigaction(SIGSEGV, nullptr, &found);
    if (is_ours(found)) return;
    detail::message line;
    line << "growstack: the handler of SIGSEGV cannot be installed, and no stack grows in code without checks: is a "
            "sanitizer's option handle_segv=2 set? With 1 it hears of all faults that are not growstack's";
    line.write_line();
}

} // namespace

void install_fault_handler() noexcept {
    struct sigaction ours{};
    ours.sa_sigaction = on_fault;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigfillset(&ours.sa_mask); // growth runs on the root stack: no handler may take the alternate stack for free
    for (const int signal : fault_signals) {
        struct sigaction found;
        ::sigaction(signal, nullptr, &found);
        clear_unused_part(found.sa_mask);
        if (is_ours(found)) continue;
        previous_of(signal) = found;
        ::sigaction(signal, &ours, nullptr);
    }
    warn_if_not_installed();
}

std::vector<int> handlers_without_altstack() {
    std::vector<int> signals;
    for (int signal = 1; signal < NSIG; ++signal) {
        struct sigaction found;
        if (::sigaction(signal, nullptr, &found) != 0) continue; // glibc keeps two for itself
        const bool is_handled = found.sa_handler != SIG_DFL && found.sa_handler != SIG_IGN;
        if (is_handled && !(found.sa_flags & SA_ONSTACK)) signals.push_back(signal);
    }
    return signals;
}

} // namespace growstack
