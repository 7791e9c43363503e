// One compiler, one set of flags: what each check does on each kind of stack when a recursion needs 1 MiB. In a safe
// build: of an escape stack that begins with 64 KiB. Prints a line for each:
//
//      policy check outcome
#include <growstack/growstack.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

#ifdef HAS_ESCAPE_STACK
constexpr std::size_t frame_bytes = 2048; // so that little of it is on the native stack
#else
constexpr std::size_t frame_bytes = 512;
#endif
constexpr long levels = (1 << 20) / frame_bytes;

#define USE_FRAME                     \
    volatile char frame[frame_bytes]; \
    frame[0] = static_cast<char>(n);  \
    asm volatile("" : : "r"(frame) : "memory")

// Checked by the compiler where it is asked to.
[[gnu::noinline]] long by_compiler(long n) {
    USE_FRAME;
    return n ? by_compiler(n - 1) + frame[0] - frame[0] + 1 : 0;
}

#ifndef HAS_ESCAPE_STACK
[[gnu::noinline, gnu::no_split_stack]] long by_probe(long n);
long by_probe(long n) {
    USE_FRAME;
    return n ? growstack::call<2 * frame_bytes>(by_probe, n - 1) + frame[0] - frame[0] + 1 : 0;
}

[[gnu::noinline, gnu::no_split_stack]] long by_guard(long n);
long by_guard(long n) {
    USE_FRAME;
    return n ? by_guard(n - 1) + frame[0] - frame[0] + 1 : 0;
}
#endif

template <class Stack, bool is_limited = false>
[[noreturn]] void run(long (*recursion)(long)) {
    growstack::stack_options options = Stack::defaults;
    if (is_limited) options.max_bytes = 256 << 10;
    options.escape_bytes = 64 << 10;
    std::string outcome;
    growstack::stack_stats stats;
    growstack::coroutine<Stack> c{[&] {
                                      try {
                                          outcome = recursion(levels) == levels ? "" : "WRONG RESULT";
                                          stats = growstack::this_coroutine::stats();
                                      } catch (const growstack::stack_overflow&) {
                                          outcome = "throws stack_overflow";
                                      }
                                  },
                                  options};
    c.resume();
    if (outcome.empty()) {
        outcome = stats.moves ? "moves" : stats.chunks_linked ? "links chunks" : "the kernel commits";
        if (stats.guard_faults && stats.moves) outcome = "opens the room, moves";
        if (stats.peak_escape_stack_bytes) outcome = "adds a piece";
    }
    std::printf("%s", outcome.c_str());
    std::fflush(stdout);
    _exit(0);
}

// In a child process: some end it.
std::string outcome_of(void (*f)(long (*)(long)), long (*recursion)(long)) {
    int ends[2];
    if (pipe(ends) != 0) return "no pipe";
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        f(recursion);
    }
    close(ends[1]);
    std::string text;
    char buffer[512];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
        text.starts_with("growstack: stack overflow in coroutine "))
        return "message, abort";
    return "CRASHES: " + text;
}

} // namespace

int main() {
    using namespace growstack;
    const struct {
        const char* name;
        void (*run)(long (*)(long));
    } policies[] = {{"contiguous_stack", run<contiguous_stack>},
                    {"segmented_stack", run<segmented_stack>},
                    {"reserved_stack", run<reserved_stack>},
                    {"fixed_stack", run<fixed_stack>},
                    {"contiguous_stack, max_bytes reached", run<contiguous_stack, true>},
                    {"segmented_stack, max_bytes reached", run<segmented_stack, true>},
                    {"reserved_stack, max_bytes reached", run<reserved_stack, true>}};
    const struct {
        const char* name;
        long (*recursion)(long);
    } checks[] = {
#ifdef HAS_ESCAPE_STACK
        {"escape stack", by_compiler}};
#elif defined(HAS_COMPILER_CHECK)
        {"compiler", by_compiler}, {"probe", by_probe}, {"guard", by_guard}};
#else
        {"none", by_compiler}, {"probe", by_probe}, {"guard", by_guard}};
#endif
    for (const auto& policy : policies)
        for (const auto& check : checks)
            std::printf("%s|%s|%s\n", policy.name, check.name, outcome_of(policy.run, check.recursion).c_str());
}
