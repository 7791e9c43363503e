// Runs a batch of random programs, each as every configuration compiled it, on a plain thread and then on every kind of
// stack, plain and in the hard modes. All must compute the same. Compiled without checks.
//
// The work is done in a child process, which notes what it runs in shared memory: if it crashes or hangs, the parent
// names that, and another child goes on behind it. Prints a line for each failure ("FAILED program, ..."), and the
// number of runs at the end ("RUNS n").
#include "run.hpp"

#include <growstack/growstack.hpp>

#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

namespace {

using growstack::stack_options;
using number = unsigned long;

// Larger than any of the programs needs.
constexpr std::size_t whole_bytes = std::size_t{4} << 20;
constexpr unsigned longest_cpu_seconds = 60, longest_seconds = 900; // of one run: what takes longer hangs

struct mode {
    const char* name;
    growstack::stress_modes modes;
};

constexpr mode modes[] = {{"plain", {}},
                          {"move,poison", {.move = true, .poison = true}},
                          {"link,poison", {.link = true, .poison = true}},
                          {"fault", {.fault = true}}};

// For stacks that do not grow: filling megabytes is slow, and once is enough.
constexpr mode still_modes[] = {{"plain", {}},
                                {"move,link", {.move = true, .link = true}},
                                {"poison", {.poison = true}},
                                {"fault", {.fault = true}}};

// --- One run on a coroutine.

const stack_options* options_here;
void (*nested_here)(void (*)(void*), void*);

template <class Stack>
void nested_on(void (*body)(void*), void* argument) {
    growstack::coroutine<Stack> c{[=] { body(argument); }, *options_here};
    for (std::size_t kilobytes = 1; !c.done(); kilobytes = kilobytes % 16 + 3) {
        c.resume();
        growstack::this_coroutine::ensure(kilobytes << 10); // moves this stack, which the other points into
        if (!c.done()) yield();
    }
}

void run_program(const compiled_program& p, bool has_global_pointers, number& sum) {
    if (!has_global_pointers) {
        sum = p.run();
        return;
    }
    const auto pointers_in = [](char* lo, char* hi) {
        return std::span{reinterpret_cast<void**>(lo), static_cast<std::size_t>(hi - lo) / sizeof(void*)};
    };
    const growstack::root_range data{pointers_in(p.data, p.data_end)}, bss{pointers_in(p.bss, p.bss_end)};
    sum = p.run();
}

template <class Stack>
number run_on(const compiled_program& p, bool has_global_pointers, const stack_options& options) {
    options_here = &options;
    nested_here = nested_on<Stack>;
    number sum = 0;
    growstack::coroutine<Stack> c{[&] { run_program(p, has_global_pointers, sum); }, options};
    while (!c.done()) {
        c.resume();
        if constexpr (std::is_same_v<Stack, growstack::contiguous_stack>) c.shrink();
    }
    return sum;
}

// --- Which kinds of stack a program may run on.

struct policy {
    const char* name;
    number (*run)(const compiled_program&, bool, const stack_options&);
    stack_options options;
    bool (*serves)(const random_program&, const configuration&);
    std::span<const mode> modes = ::modes;
};

bool any(const random_program&, const configuration&) { return true; }
bool if_unchecked(const random_program&, const configuration& c) { return !c.is_checked; }
bool if_dense(const random_program& p, const configuration& c) { return c.is_checked && p.is_dense; }
// What has no checks at all needs a stack on which everything fits.
bool if_any_check(const random_program& p, const configuration& c) { return c.is_checked || p.is_probed; }
bool if_no_check(const random_program& p, const configuration& c) { return !if_any_check(p, c); }

using growstack::chunk_release, growstack::contiguous_stack, growstack::segmented_stack, growstack::stack_layout;
const policy policies[] = {
    {"contiguous_stack of 4 KiB", run_on<contiguous_stack>, {.initial_bytes = 4096}, any},
    {"contiguous_stack that shrinks", run_on<contiguous_stack>, {.initial_bytes = 4096, .shrink_on_yield = true}, any},
    {"contiguous_stack without room", run_on<contiguous_stack>, {.initial_bytes = 4096, .room_bytes = 0}, if_unchecked},
    {"contiguous_stack, dense",
     run_on<contiguous_stack>,
     {.initial_bytes = 1024, .layout = stack_layout::dense, .shrink_on_yield = true},
     if_dense},
    {"segmented_stack", run_on<segmented_stack>, {.initial_bytes = 4096, .chunk_bytes = 16384}, if_any_check},
    {"segmented_stack, eager",
     run_on<segmented_stack>,
     {.initial_bytes = 4096, .chunk_bytes = 4096, .release = chunk_release::eager},
     if_any_check},
    {"segmented_stack, large",
     run_on<segmented_stack>,
     {.initial_bytes = whole_bytes, .max_bytes = 2 * whole_bytes},
     if_no_check,
     still_modes},
    {"reserved_stack",
     run_on<growstack::reserved_stack>,
     {.initial_bytes = 4096, .max_bytes = whole_bytes, .room_bytes = 0},
     any,
     still_modes},
    {"fixed_stack", run_on<growstack::fixed_stack>, {.initial_bytes = whole_bytes, .room_bytes = 0}, any, still_modes},
};

// --- A program's variables are for each run what they were at first.

class variables {
public:
    explicit variables(const compiled_program& p) : of_{p}, data_{p.data, p.data_end}, bss_{p.bss, p.bss_end} {}

    void restore() const {
        std::memcpy(of_.data, data_.data(), data_.size());
        std::memcpy(of_.bss, bss_.data(), bss_.size());
    }

private:
    const compiled_program& of_;
    std::vector<char> data_, bss_;
};

// --- What the child tells the parent.

struct progress {
    unsigned program, configuration; // where a new child has to begin
    unsigned policy, mode;           // policy 0: the plain thread; p + 1: policies[p]
    unsigned long runs;
    bool has_expected;
    number expected; // of this program, in all configurations
};
progress* at;

void fail(const char* format, number a = 0, number b = 0) {
    std::printf("FAILED %s, compiled by %s, on ", programs[at->program].name, configurations[at->configuration].name);
    if (at->policy == 0) std::printf("a plain thread: ");
    else std::printf("%s, %s: ", policies[at->policy - 1].name, policies[at->policy - 1].modes[at->mode].name);
    std::printf(format, a, b);
    std::putchar('\n');
    std::fflush(stdout);
}

void compare(number sum) {
    ++at->runs;
    if (sum != at->expected) fail("%#lx instead of %#lx", sum, at->expected);
}

void set_alarm() {
    const itimerval cpu{{}, {longest_cpu_seconds, 0}};
    if (setitimer(ITIMER_PROF, &cpu, nullptr)) std::abort();
    alarm(longest_seconds);
}

number run_on_plain_thread(const compiled_program& p) {
    struct job {
        const compiled_program& p;
        number sum;
    } job{p, 0};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, whole_bytes);
    pthread_t thread;
    const auto body = [](void* j) -> void* {
        static_cast<struct job*>(j)->sum = static_cast<struct job*>(j)->p.run();
        return nullptr;
    };
    if (pthread_create(&thread, &attributes, body, &job) || pthread_join(thread, nullptr)) std::abort();
    return job.sum;
}

// --- All runs, from where `at` says.

void run_configuration(const random_program& program, const compiled_program& p) {
    const configuration& c = configurations[at->configuration];
    const variables saved{p};
    if (at->policy == 0) {
        set_alarm();
        const number sum = run_on_plain_thread(p);
        if (!std::exchange(at->has_expected, true)) at->expected = sum;
        compare(sum);
        at->policy = 1;
    }
    for (; at->policy <= std::size(policies); ++at->policy, at->mode = 0) {
        const policy& kind = policies[at->policy - 1];
        if (!kind.serves(program, c)) continue;
        for (; at->mode < kind.modes.size(); ++at->mode) {
            saved.restore();
            growstack::set_stress(kind.modes[at->mode].modes);
            set_alarm();
            compare(kind.run(p, program.has_global_pointers, kind.options));
        }
    }
}

void next_configuration() {
    at->policy = at->mode = 0;
    if (++at->configuration < configuration_count) return;
    at->configuration = 0;
    at->has_expected = false;
    ++at->program;
}

void run_all() {
    while (at->program < program_count) {
        run_configuration(programs[at->program], compiled[at->program * configuration_count + at->configuration]);
        next_configuration();
    }
}

// The child was ended by a signal, in the run that `at` names.
void note_end(int status) {
    if (WIFSIGNALED(status)) fail("ended by signal %lu", static_cast<number>(WTERMSIG(status)));
    else fail("ended with exit code %lu", static_cast<number>(WEXITSTATUS(status)));
    next_configuration();
}

} // namespace

void yield() {
    if (growstack::this_coroutine::is_inside()) growstack::this_coroutine::yield();
}

void nested(void (*body)(void*), void* argument) {
    if (growstack::this_coroutine::is_inside()) nested_here(body, argument);
    else body(argument);
}

void write_beside(number* p, number value) {
    struct job {
        number *to, value;
        sem_t has_grown;
    };
    static job job; // no local: nobody re-points what another thread has of one
    job = {p, value, {}};
    sem_init(&job.has_grown, 0, 0);
    pthread_t thread;
    const auto body = [](void*) -> void* {
        while (sem_wait(&job.has_grown) != 0) {
        }
        *job.to = job.value;
        return nullptr;
    };
    if (pthread_create(&thread, nullptr, body, nullptr)) std::abort();
    if (growstack::this_coroutine::is_inside()) growstack::this_coroutine::ensure(64 << 10);
    sem_post(&job.has_grown);
    if (pthread_join(thread, nullptr)) std::abort();
}

int main() {
    at = static_cast<progress*>(mmap(nullptr, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    while (at->program < program_count) {
        std::fflush(stdout);
        const pid_t child = fork();
        if (child < 0) std::abort();
        if (child == 0) {
            run_all();
            std::fflush(stdout);
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (status) note_end(status);
    }
    std::printf("RUNS %lu\n", at->runs);
}
