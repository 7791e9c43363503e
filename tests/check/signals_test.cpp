// Signal handlers with checks of their own, many thousand times a second, in the middle of calls, growth and switches.
#include "../support.hpp"

#include <sys/mman.h>
#include <sys/time.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <vector>

namespace {

volatile std::sig_atomic_t signals_seen = 0;
volatile std::sig_atomic_t signals_wrong = 0;

[[gnu::noinline]] int handler_work(int levels) {
    volatile int frame[70]; // over 256 bytes: the check that computes
    frame[0] = levels;
    test::opaque(frame);
    const int below = levels ? handler_work(levels - 1) : 0;
    return below + (frame[0] == levels);
}

void on_alarm(int) {
    if (handler_work(3) != 4) signals_wrong = signals_wrong + 1;
    signals_seen = signals_seen + 1;
}

// While it lives, SIGALRM comes every 100 microseconds of real time.
class alarms {
public:
    explicit alarms(int flags) {
        signals_seen = 0;
        signals_wrong = 0;
        if (flags & SA_ONSTACK) {
            const stack_t alternate{.ss_sp = stack_.get(), .ss_flags = 0, .ss_size = stack_bytes};
            ::sigaltstack(&alternate, &old_stack_);
        }
        struct sigaction action{};
        action.sa_handler = on_alarm;
        action.sa_flags = flags | SA_RESTART;
        ::sigaction(SIGALRM, &action, &old_action_);
        set_timer(100);
    }
    ~alarms() {
        set_timer(0);
        ::sigaction(SIGALRM, &old_action_, nullptr);
        if (old_stack_.ss_sp) ::sigaltstack(&old_stack_, nullptr);
    }

private:
    static void set_timer(int microseconds) {
        const itimerval timer{{0, microseconds}, {0, microseconds}};
        ::setitimer(ITIMER_REAL, &timer, nullptr);
    }

    static constexpr std::size_t stack_bytes = 64 * 1024;
    std::unique_ptr<char[]> stack_{new char[stack_bytes]};
    stack_t old_stack_{};
    struct sigaction old_action_{};
};

struct node {
    node* up;
    long value;
};

// A chain of frames that is summed at the bottom.
[[gnu::noinline]] long chain(node* up, std::size_t levels) {
    node here{up, 1};
    if (levels) return chain(&here, levels - 1);
    long sum = 0;
    for (const node* n = &here; n; n = n->up) sum += n->value;
    return sum;
}

constexpr int enough_signals = 400;

// Calls `work` until enough signals have come; returns how often it was wrong.
template <class Work>
long until_enough(Work&& work) {
    using clock = std::chrono::steady_clock;
    const auto end = clock::now() + std::chrono::seconds{20};
    long wrong = 0;
    while (signals_seen < enough_signals)
        if (wrong += !work(); clock::now() > end) return -1; // signals do not come
    return wrong;
}

template <class Kind>
void check_growth_under_signals(int flags) {
    long wrong = 0;
    {
        const alarms every_100_us{flags};
        wrong = until_enough([] {
            bool is_right = true;
            for (std::size_t levels : {10, 70, 200, 700}) {
                long sum = 0;
                test::run<Kind>([&] { sum = chain(nullptr, levels); });
                is_right = is_right && sum == static_cast<long>(levels + 1);
            }
            return is_right;
        });
    }
    CHECK(wrong == 0);
    CHECK(signals_wrong == 0);
}

// A loop whose call straddles the boundary; contiguous stacks shrink and grow.
template <class Kind>
void check_hot_split_under_signals(int flags) {
    long wrong = 0;
    {
        const alarms every_100_us{flags};
        test::run<Kind>([&] {
            wrong = until_enough([] {
                bool is_right = true;
                for (std::size_t room = 0; room < 700; room += 48) {
                    growstack::this_coroutine::shrink(); // a contiguous stack would double each time
                    test::use_stack(100);
                    test::with_room(room, [&] {
                        for (int i = 0; i < 50; ++i) is_right = is_right && chain(nullptr, 3) == 4;
                    });
                }
                return is_right;
            });
        });
    }
    CHECK(wrong == 0);
    CHECK(signals_wrong == 0);
}

} // namespace

TEST_CASE_TEMPLATE("signals on the coroutine's stack do no harm while stacks grow", Kind, GROWSTACK_EACH_KIND) {
    check_growth_under_signals<Kind>(0);
}

TEST_CASE_TEMPLATE("signals on an alternate stack do no harm while stacks grow", Kind, GROWSTACK_EACH_KIND) {
    check_growth_under_signals<Kind>(SA_ONSTACK);
}

TEST_CASE_TEMPLATE("signals on the coroutine's stack do no harm in a hot split", Kind, GROWSTACK_EACH_GROWING_KIND) {
    check_hot_split_under_signals<Kind>(0);
}

TEST_CASE_TEMPLATE("signals on an alternate stack do no harm in a hot split", Kind, GROWSTACK_EACH_GROWING_KIND) {
    check_hot_split_under_signals<Kind>(SA_ONSTACK);
}

TEST_CASE_TEMPLATE("signals do no harm between resume and yield, and while exceptions pass", Kind,
                   GROWSTACK_EACH_KIND) {
    long wrong = 0;
    {
        const alarms every_100_us{0};
        wrong = until_enough([] {
            long sum = 0;
            test::coroutine<Kind> c{[&] {
                                        for (int i = 0; i < 100; ++i) {
                                            ++sum;
                                            growstack::this_coroutine::yield();
                                        }
                                        try {
                                            test::at_depth(100, [] { throw 100L; });
                                        } catch (long l) {
                                            sum += l;
                                        }
                                    },
                                    Kind::options};
            while (!c.done()) c.resume();
            return sum == 200;
        });
    }
    CHECK(wrong == 0);
    CHECK(signals_wrong == 0);
}

namespace {

constexpr std::size_t alternate_bytes = 64 * 1024;

// Maps memory that ends at `hi`, where nothing else is; null if there is something.
void* map_below(std::uintptr_t hi) {
    void* const memory = ::mmap(reinterpret_cast<void*>(hi - alternate_bytes), alternate_bytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    return memory == MAP_FAILED ? nullptr : memory;
}

// Returns the end of the guard below the coroutine's stack.
template <class Coroutine>
std::uintptr_t guard_lo(const Coroutine& c) {
    return static_cast<const growstack::grow::stack*>(c.id())->memory.lo - growstack::detail::guarded_bytes;
}

} // namespace

TEST_CASE_TEMPLATE("an alternate stack that lies right below a guard is not the coroutine's", Kind,
                   GROWSTACK_EACH_KIND) {
    constexpr growstack::stack_options options = test::with_first_bytes<Kind>(4096);
    std::vector<std::unique_ptr<test::coroutine<Kind>>> coroutines; // until one lies at the end of what is mapped
    void* memory = nullptr;
    while (!memory && coroutines.size() < 20'000) {
        coroutines.push_back(std::make_unique<test::coroutine<Kind>>([] { std::raise(SIGUSR1); }, options));
        memory = map_below(guard_lo(*coroutines.back()));
    }
    REQUIRE(memory);
    test::run<Kind>([] {}); // gives the thread its own alternate stack
    const stack_t alternate{.ss_sp = memory, .ss_flags = 0, .ss_size = alternate_bytes};
    stack_t old_stack{};
    ::sigaltstack(&alternate, &old_stack);
    struct sigaction action{}, old_action{};
    action.sa_handler = on_alarm;
    action.sa_flags = SA_ONSTACK;
    ::sigaction(SIGUSR1, &action, &old_action);
    signals_seen = 0;
    signals_wrong = 0;
    coroutines.back()->resume();
    const growstack::stack_stats stats = coroutines.back()->stats();
    ::sigaction(SIGUSR1, &old_action, nullptr);
    ::sigaltstack(&old_stack, nullptr);
    ::munmap(memory, alternate_bytes);
    CHECK(signals_seen == 1);
    CHECK(signals_wrong == 0);
    CHECK(coroutines.back()->done());
    if (!test::is_stressed()) CHECK(stats.moves + stats.chunks_linked == 0);
}
