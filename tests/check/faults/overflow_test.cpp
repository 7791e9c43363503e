// Overflows in code without checks that cannot be served: the handler, one line that says all, SIGABRT.
#include "support.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace {

const void* volatile overflowing = nullptr; // the coroutine that is going to overflow

template <std::size_t bytes>
[[gnu::noinline]] std::size_t recurse(std::size_t levels) {
    char frame[bytes];
    asm volatile("" : : "r"(frame) : "memory");
    const std::size_t below = levels ? recurse<bytes>(levels - 1) : 0;
    asm volatile("" : : "r"(frame) : "memory");
    return below + 1;
}

constexpr std::size_t endless = SIZE_MAX;

void recurse_endlessly() {
    overflowing = growstack::this_coroutine::id();
    recurse<400>(endless);
}

// What the handler was told, on stderr before the line.
void say_report(const growstack::overflow_report& report) {
    char text[400];
    std::snprintf(text, sizeof text, "%p %s %zu %zu %zu %d\n", report.coroutine, report.policy, report.depth_bytes,
                  report.stack_bytes, report.max_bytes, report.coroutine == overflowing);
    faults::say(text);
    faults::say(report.advice);
    faults::say("\n");
}

struct told {
    std::string coroutine, policy, advice, line, rest;
    std::size_t depth_bytes = 0, stack_bytes = 0, max_bytes = 0;
    bool is_the_one = false;
};

std::string cut_line(std::string& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line = text.substr(0, end);
    text.erase(0, end + 1);
    return line;
}

// Runs `body`, which overflows, in a child process.
template <class Body>
told overflow(Body body) {
    const auto end = faults::in_child([&] {
        if (growstack::set_overflow_handler(say_report)) return false;
        body();
        return true;
    });
    CHECK(end.signal == SIGABRT);
    told t;
    t.rest = end.error_text;
    char coroutine[32]{}, policy[64]{};
    int is_the_one = 0;
    std::sscanf(cut_line(t.rest).c_str(), "%31s %63s %zu %zu %zu %d", coroutine, policy, &t.depth_bytes, &t.stack_bytes,
                &t.max_bytes, &is_the_one);
    t.coroutine = coroutine;
    t.policy = policy;
    t.is_the_one = is_the_one == 1;
    t.advice = cut_line(t.rest);
    t.line = cut_line(t.rest);
    return t;
}

// The handler's report names the coroutine, the one line on stderr says the same, and nothing follows it.
void check_told(const told& t, const std::string& policy, const std::string& advice) {
    INFO(t.line);
    CHECK(t.is_the_one);
    CHECK(t.policy == policy);
    CHECK_MESSAGE(test::contains(t.advice, advice), t.advice);
    CHECK(t.line.rfind("growstack: stack overflow in coroutine " + t.coroutine + " (" + policy + ")", 0) == 0);
    for (const std::size_t bytes : {t.depth_bytes, t.stack_bytes, t.max_bytes})
        CHECK(test::contains(t.line, " " + std::to_string(bytes) + " "));
    CHECK(test::contains(t.line, t.advice));
    CHECK(t.rest == "");
}

void check_depth(const told& t, std::size_t least, std::size_t most) {
    CHECK(t.depth_bytes >= least);
    CHECK(t.depth_bytes <= most);
    CHECK(t.stack_bytes >= t.depth_bytes / 2);
}

constexpr std::size_t kib = 1024;

} // namespace

TEST_CASE("a fixed stack that overflows says so") {
    const told t = overflow(
        [] { test::run<test::small_fixed>(recurse_endlessly, {.initial_bytes = 64 * kib, .room_bytes = 0}); });
    check_told(t, "fixed_stack", "initial_bytes");
    check_depth(t, 63 * kib, 66 * kib);
}

TEST_CASE("a segmented stack that overflows without a check says so, beyond its growth room") {
    const told t = overflow(
        [] { test::run<test::segmented>(recurse_endlessly, {.initial_bytes = 16 * kib, .room_bytes = 32 * kib}); });
    check_told(t, "segmented_stack", "-fsplit-stack");
    check_depth(t, 47 * kib, 50 * kib);
}

TEST_CASE("a reserved stack that overflows says so") {
    const told t = overflow([] {
        test::run<test::reserved>(recurse_endlessly,
                                  {.initial_bytes = 4 * kib, .max_bytes = 64 * kib, .room_bytes = 0});
    });
    check_told(t, "reserved_stack", "raise stack_options::max_bytes");
    check_depth(t, 63 * kib, 66 * kib);
    CHECK(t.max_bytes == 64 * kib);
}

TEST_CASE("a contiguous stack that may not grow further says so") {
    for (const std::size_t room_bytes : {std::size_t{0}, 16 * kib, 44 * kib}) {
        const told t = overflow([=] {
            test::run<test::small_contiguous>(
                recurse_endlessly, {.initial_bytes = 4 * kib, .max_bytes = 64 * kib, .room_bytes = room_bytes});
        });
        check_told(t, "contiguous_stack", "max_bytes");
        check_depth(t, 30 * kib, 66 * kib);
        CHECK(t.max_bytes == 64 * kib);
        CHECK(t.stack_bytes <= 64 * kib);
    }
}

TEST_CASE("a contiguous stack that is not to move without a check says so") {
    const told t = overflow([] {
        test::run<test::small_contiguous>(recurse_endlessly,
                                          {.initial_bytes = 16 * kib, .room_bytes = 32 * kib, .move_at_guard = false});
    });
    check_told(t, "contiguous_stack", "move_at_guard");
    check_depth(t, 47 * kib, 50 * kib);
}

TEST_CASE("a pinned stack extends into the room, in place, and beyond it says so") {
    bool is_in_place = false;
    const growstack::stack_options options{.initial_bytes = 16 * kib, .room_bytes = 32 * kib};
    const auto stats = test::run<test::small_contiguous>(
        [&] {
            const growstack::pin pin;
            volatile int local = 0;
            const std::uintptr_t hidden = ~reinterpret_cast<std::uintptr_t>(&local);
            recurse<400>(60);
            is_in_place = ~reinterpret_cast<std::uintptr_t>(&local) == hidden;
        },
        options);
    CHECK(is_in_place);
    CHECK(stats.moves == 0);
    CHECK(stats.guard_faults > 0);
    const told t = overflow([&] {
        test::run<test::small_contiguous>(
            [] {
                const growstack::pin pin;
                recurse_endlessly();
            },
            options);
    });
    check_told(t, "contiguous_stack", "growstack::pin");
    check_depth(t, 47 * kib, 50 * kib);
}

TEST_CASE("a contiguous stack moves while an exception is in flight, up to max_bytes, and then says so") {
    const told t = overflow([] {
        test::run<test::small_contiguous>(
            [] {
                struct recurses {
                    ~recurses() { recurse_endlessly(); }
                };
                try {
                    const recurses r;
                    throw 1;
                } catch (int) {
                }
            },
            {.max_bytes = 1024 * kib});
    });
    check_told(t, "contiguous_stack", "max_bytes");
    check_depth(t, 1024 * kib, 1152 * kib); // room, reserve and slack included
}

TEST_CASE("a contiguous stack that finds no memory to move to says so") {
    const told t = overflow([] {
        test::run<test::small_contiguous>([] {
            rlimit limit{256 << 20, 256 << 20};
            ::setrlimit(RLIMIT_AS, &limit);
            recurse_endlessly();
        });
    });
    check_told(t, "contiguous_stack", "memory");
    CHECK(t.max_bytes == growstack::stack_options{}.max_bytes);
    CHECK(t.depth_bytes <= 256 << 20);
}

namespace {

// Its first touch is of the address space below the stack; sp is beyond that.
[[gnu::noinline]] void use_large_frame() {
    char frame[100 * kib];
    volatile char* touched = frame + sizeof frame - 30 * kib;
    asm volatile("" : "+r"(touched) : "r"(frame) : "memory");
    *touched = 1;
}

} // namespace

TEST_CASE("a frame that jumps over the address space below a stack says so") {
    const auto use_it = [] {
        overflowing = growstack::this_coroutine::id();
        use_large_frame();
    };
    const char* const advice = "-fstack-clash-protection";
    check_told(overflow([=] { test::run<test::small_contiguous>(use_it); }), "contiguous_stack", advice);
    check_told(overflow([=] { test::run<test::segmented>(use_it); }), "segmented_stack", advice);
}

TEST_CASE("of coroutines that have resumed one another, the one that overflows is named") {
    const told t = overflow([] {
        test::run<test::small_contiguous>([] {
            test::run<test::reserved>([] {
                test::run<test::small_contiguous>([] {});
                test::run<test::small_fixed>(recurse_endlessly, {.initial_bytes = 64 * kib, .room_bytes = 0});
            });
        });
    });
    check_told(t, "fixed_stack", "initial_bytes");
    const told outer = overflow([] {
        test::run<test::small_fixed>(
            [] {
                test::run<test::small_contiguous>([] { recurse<400>(1000); });
                recurse_endlessly();
            },
            {.initial_bytes = 64 * kib, .room_bytes = 0});
    });
    check_told(outer, "fixed_stack", "initial_bytes");
}

TEST_CASE_TEMPLATE("without a handler there is the line alone, also on other threads", Kind,
                   GROWSTACK_EACH_SMALL_KIND) {
    const growstack::stack_options options{
        .initial_bytes = 64 * kib, .max_bytes = 64 * kib, .room_bytes = 0, .move_at_guard = false};
    const auto end = faults::in_child([=] {
        if (growstack::set_overflow_handler(say_report)) return false;
        if (growstack::set_overflow_handler(nullptr) != say_report) return false;
        std::thread{[=] { test::run<Kind>(recurse_endlessly, options); }}.join();
        return true;
    });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(end.error_text.rfind("growstack: stack overflow in coroutine 0x", 0) == 0, end.error_text);
    CHECK(std::count(end.error_text.begin(), end.error_text.end(), '\n') == 1);
}

namespace {

void leave(const growstack::overflow_report&) {
    faults::say("left");
    ::_exit(7);
}

} // namespace

TEST_CASE("the handler of overflows may end the program itself") {
    const auto end = faults::in_child([] {
        growstack::set_overflow_handler(leave);
        test::run<test::small_fixed>(recurse_endlessly);
        return true;
    });
    CHECK(end.signal == 0);
    CHECK(end.exit_code == 7);
    CHECK(end.error_text == "left");
}

TEST_CASE_TEMPLATE("the program's own fault handler is not asked about overflows, nor about growth", Kind,
                   GROWSTACK_EACH_SMALL_KIND) {
    const auto end = faults::in_child([] {
        faults::set_handler_behind(SIGSEGV, [](int, siginfo_t*, void*) { faults::say("asked\n"); });
        test::run<Kind>([] { recurse<400>(50); });
        test::run<Kind>(recurse_endlessly, {.initial_bytes = 16 * kib, .max_bytes = 1 << 20, .move_at_guard = true});
        return true;
    });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(end.error_text.rfind("growstack: stack overflow in coroutine 0x", 0) == 0, end.error_text);
}

namespace {

void do_nothing(int) {}

// Sinks, and raises a signal at each step, until the kernel has no room for its frame.
[[gnu::noinline]] void raise_at_each_depth(std::size_t levels) {
    char frame[256];
    asm volatile("" : : "r"(frame) : "memory");
    ::raise(SIGUSR1);
    if (levels) raise_at_each_depth(levels - 1);
    asm volatile("" : : "r"(frame) : "memory");
}

} // namespace

TEST_CASE_TEMPLATE("a signal whose handler finds no room on the coroutine's stack ends in a message", Kind,
                   GROWSTACK_EACH_SMALL_KIND) {
    const auto run = [](int flags) {
        return faults::in_child([=] {
            struct sigaction action{};
            action.sa_handler = do_nothing;
            action.sa_flags = flags;
            ::sigaction(SIGUSR1, &action, nullptr);
            const std::vector<int> named = growstack::handlers_without_altstack();
            if ((std::find(named.begin(), named.end(), SIGUSR1) != named.end()) != (flags == 0)) return false;
            test::run<Kind>([] { raise_at_each_depth(100); },
                            {.initial_bytes = 16 * kib, .max_bytes = 16 * kib, .room_bytes = 0});
            return true;
        });
    };
    const auto without = run(0);
    CHECK(without.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(without.error_text, "SA_ONSTACK"), without.error_text);
    CHECK(std::count(without.error_text.begin(), without.error_text.end(), '\n') == 1);
    // With it the signals arrive down to the end of the stack, which is an overflow as any other.
    const auto with = run(SA_ONSTACK);
    CHECK(with.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(with.error_text, "stack overflow"), with.error_text);
}
