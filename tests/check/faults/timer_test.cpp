// A timer's signals, 1,000 in a second, while code without checks makes stacks grow in every way that there is.
#include "support.hpp"

#include <sys/time.h>

#include <alloca.h>

#include <chrono>
#include <csignal>
#include <numeric>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>

namespace {

volatile std::sig_atomic_t signals_seen = 0;
volatile std::sig_atomic_t signals_on_other_stack = 0;

void on_alarm(int) {
    stack_t current{};
    ::sigaltstack(nullptr, &current);
    if (current.ss_flags & SS_ONSTACK) signals_on_other_stack = signals_on_other_stack + 1;
    signals_seen = signals_seen + 1;
}

class alarms {
public:
    alarms() {
        signals_seen = 0;
        signals_on_other_stack = 0;
        struct sigaction action{};
        action.sa_handler = on_alarm;
        action.sa_flags = SA_ONSTACK | SA_RESTART;
        ::sigaction(SIGALRM, &action, &old_);
        set_timer(1000);
    }
    ~alarms() {
        set_timer(0);
        ::sigaction(SIGALRM, &old_, nullptr);
    }
    alarms(const alarms&) = delete;
    alarms& operator=(const alarms&) = delete;

private:
    static void set_timer(int microseconds) {
        const itimerval timer{{0, microseconds}, {0, microseconds}};
        ::setitimer(ITIMER_REAL, &timer, nullptr);
    }

    struct sigaction old_{};
};

struct node {
    node* up;
    long value;
};

// A chain of frames, summed from the deepest one.
[[gnu::noinline]] long chain(node* up, long levels) {
    node here{up, levels};
    char frame[150];
    asm volatile("" : : "r"(frame), "r"(&here) : "memory");
    long sum = 0;
    if (levels) sum = chain(&here, levels - 1);
    else
        for (const node* n = &here; n; n = n->up) sum += n->value;
    asm volatile("" : : "r"(frame) : "memory");
    return sum;
}

bool is_chain_right(long levels) { return chain(nullptr, levels) == levels * (levels + 1) / 2; }

// Doubles in vector registers and in the frame, across faults.
[[gnu::noinline]] double add_up(const double* values, int levels) {
    double copy[64];
    for (int i = 0; i < 64; ++i) copy[i] = values[i] + 1;
    asm volatile("" : : "r"(copy) : "memory");
    const double first = copy[0], last = copy[63];
    const double below = levels ? add_up(copy, levels - 1) : std::accumulate(copy, copy + 64, 0.0);
    return below + first - last + 63; // values are first, first + 1, ...
}

bool are_doubles_right(int levels) {
    double values[64];
    std::iota(values, values + 64, 0.0);
    return add_up(values, levels) == 63 * 64 / 2 + 64.0 * (levels + 1);
}

struct counts_destruction {
    long& count;
    ~counts_destruction() { ++count; }
};

[[gnu::noinline]] void throw_at(int levels, long& destroyed) {
    const counts_destruction local{destroyed};
    if (!levels) throw std::runtime_error("thrown");
    throw_at(levels - 1, destroyed);
}

bool are_exceptions_right(int levels) {
    long destroyed = 0;
    try {
        throw_at(levels, destroyed);
    } catch (const std::runtime_error& e) {
        return destroyed == levels + 1 && std::string{e.what()} == "thrown";
    }
    return false;
}

bool are_streams_right() {
    std::ostringstream text;
    text << 1.5 << ' ' << 1e300 << ' ' << 42;
    return text.str() == "1.5 1e+300 42";
}

bool is_regex_right(std::size_t length) {
    static const std::regex pattern{"(a|b)*c"};
    const std::string text(length, 'b');
    return std::regex_match(text + "c", pattern) && !std::regex_match(text, pattern);
}

[[gnu::noinline]] bool is_alloca_right(std::size_t bytes) {
    auto* const space = static_cast<volatile char*>(alloca(bytes));
    bool is_right = true;
    for (std::size_t i = bytes; i; i -= 64) space[i - 1] = static_cast<char>(i / 64); // downwards, page by page
    for (std::size_t i = bytes; i; i -= 64) is_right = is_right && space[i - 1] == static_cast<char>(i / 64);
    return is_right;
}

struct results {
    long rounds = 0;
    long wrong = 0;
    std::size_t guard_faults = 0;
    std::size_t moves = 0;
};

template <class Kind, class Work>
void run_one(results& sum, const growstack::stack_options& options, Work&& work) {
    bool is_right = false;
    const growstack::stack_stats stats = test::run<Kind>(
        [&] {
            is_right = work();
            growstack::this_coroutine::yield();
            is_right = is_right && work(); // where it has grown
        },
        options);
    ++sum.rounds;
    sum.wrong += !is_right;
    sum.guard_faults += stats.guard_faults;
    sum.moves += stats.moves;
}

// Everything once, each in a stack of its own. `levels` is as deep as the stack can grow.
template <class Kind>
void run_all(results& sum, const growstack::stack_options& options, long levels) {
    run_one<Kind>(sum, options, [=] { return is_chain_right(levels); });
    run_one<Kind>(sum, options, [=] { return are_doubles_right(static_cast<int>(levels / 6)); });
    run_one<Kind>(sum, options, [=] { return are_exceptions_right(static_cast<int>(levels / 4)); });
    run_one<Kind>(sum, options, are_streams_right);
    run_one<Kind>(sum, options, [=] { return is_regex_right(static_cast<std::size_t>(levels / 6)); });
    run_one<Kind>(sum, options, [] { return is_alloca_right(8 * 1024); });
}

constexpr int enough_signals = 700;

template <class Kind>
results run_under_signals(const growstack::stack_options& options, long levels) {
    using clock = std::chrono::steady_clock;
    results sum;
    test::run<test::small_contiguous>([] {}); // an alternate stack before the first signal
    const alarms every_millisecond;
    const auto end = clock::now() + std::chrono::minutes{3}; // usually 1 s
    while (signals_seen < enough_signals && clock::now() < end) run_all<Kind>(sum, options, levels);
    return sum;
}

template <class Kind>
void check_under_signals(const growstack::stack_options& options, long levels) {
    const results sum = run_under_signals<Kind>(options, levels);
    CHECK(sum.rounds > 0);
    CHECK(sum.wrong == 0);
    CHECK(signals_seen >= enough_signals);
    CHECK(signals_on_other_stack == signals_seen);
    CHECK((sum.guard_faults > 0) == !test::is_reserved<Kind>);
    CHECK((sum.moves > 0) == (test::can_move<Kind> && levels > 1000));
}

} // namespace

TEST_CASE("a timer's signals do no harm while growth rooms are opened") {
    constexpr growstack::stack_options options{.initial_bytes = 16 * 1024};
    check_under_signals<test::small_contiguous>(options, 120);
    check_under_signals<test::segmented>(options, 120);
}

TEST_CASE("a timer's signals do no harm while stacks move at whatever instruction") {
    check_under_signals<test::small_contiguous>({.initial_bytes = 4096}, 2000);
    check_under_signals<test::small_contiguous>({.initial_bytes = 4096, .room_bytes = 0}, 2000);
}

TEST_CASE("a timer's signals do no harm on reserved stacks") {
    check_under_signals<test::reserved>(test::reserved::options, 2000);
}

TEST_CASE("a timer's signals do no harm to coroutines that grow inside each other") {
    results sum;
    const alarms every_millisecond;
    for (int i = 0; i < 100; ++i)
        run_one<test::small_contiguous>(sum, {.initial_bytes = 4096}, [&] {
            char here[100];
            asm volatile("" : : "r"(here) : "memory");
            results inner;
            node outer{nullptr, 5};
            bool is_right = is_chain_right(600);
            run_one<test::small_contiguous>(inner, {.initial_bytes = 4096}, [&] {
                return chain(&outer, 600) == 600 * 601 / 2 + 5 && are_exceptions_right(200);
            });
            sum.moves += inner.moves;
            return is_right && inner.wrong == 0;
        });
    CHECK(sum.wrong == 0);
    CHECK(sum.moves > 0);
    CHECK(signals_seen > 0);
}
