// The parts of support.hpp that must have no check, and what needs the system. Compiled without -fsplit-stack.
#include "support.hpp"

#include <growstack/detail/arch.hpp>

#include <alloca.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace test {
namespace {

std::atomic<std::size_t> allocation_count{0};

} // namespace

std::size_t depth(std::size_t plain) {
    if (!is_stressed()) return plain;
    static const bool said = [] {
        std::printf(
            "Depths are an eighth, sweeps have 9 steps: here each check moves the whole stack or takes a chunk, "
            "which makes depth cost its square or 16 KiB a frame.\n");
        return true;
    }();
    static_cast<void>(said);
    return plain / 8;
}

void call_with_room(std::size_t room, void (*f)(void*), void* argument) {
    const auto sp = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const std::uintptr_t limit = growstack::detail::read_limit();
    if (limit != growstack::detail::limit_check_never && limit < sp && sp - limit > room)
        opaque(alloca(sp - limit - room));
    f(argument);
    opaque(&room); // no tail call
}

void opaque(volatile void*) {}

void call_without_checks(std::size_t bytes, void (*f)()) {
    auto* const space = static_cast<volatile unsigned char*>(alloca(bytes));
    for (std::size_t i = 0; i < bytes; ++i) space[i] = 0x11;
    if (f) f();
    opaque(space);
}

long number(long n) { return n; }

child_end run_in_child(void (*f)()) {
    int ends[2];
    if (::pipe(ends)) throw std::runtime_error("no pipe");
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("no child process");
    if (child == 0) {
        // doctest's handlers would report a crash of the test, and so would AddressSanitizer's.
        for (int s : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTERM}) std::signal(s, SIG_DFL);
        growstack::install_fault_handler();
        ::dup2(ends[1], STDERR_FILENO);
        f();
        std::fflush(nullptr);
        ::_exit(0);
    }
    ::close(ends[1]);
    child_end end;
    char buffer[512];
    for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        end.error_text.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
    else end.exit_code = WEXITSTATUS(status);
    return end;
}

std::size_t allocations() { return allocation_count.load(); }

} // namespace test

// Counts, for "no allocation in resume and yield".
void* operator new(std::size_t bytes) {
    test::allocation_count.fetch_add(1, std::memory_order_relaxed);
    if (void* p = std::malloc(bytes ? bytes : 1)) return p;
    throw std::bad_alloc();
}

void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
