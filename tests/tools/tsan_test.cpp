// Under ThreadSanitizer: real races are found, wherever the stacks have been, and nothing else is taken for one.
#include "../support.hpp"

#include <atomic>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;

extern "C" std::size_t __tsan_testonly_shadow_stack_current_size(); // calls that have not returned

namespace {

constexpr const char* race = "WARNING: ThreadSanitizer: data race";

// Without a happens-before. Nothing else of the library or of libc runs between a thread's touch and its last wait: a
// lock there would be one.
std::atomic<int> turn{0};

void wait_for(int wanted) {
    while (turn.load(std::memory_order_relaxed) != wanted) {
    }
}

int shared = 0;

void touch_in_turn(int mine) {
    wait_for(mine);
    ++shared;
    turn.store(mine + 1, std::memory_order_relaxed);
    wait_for(2);
}

// Has moved, or linked chunks, and is deep when it calls f.
template <class F>
void on_a_grown_stack(F&& f) {
    test::at_depth(test::depth(2000), f);
}

template <class Kind>
void race_of_two() {
    const auto run = [](int mine) { test::run<Kind>([mine] { on_a_grown_stack([mine] { touch_in_turn(mine); }); }); };
    std::thread first{[run] { run(0); }}, second{[run] { run(1); }};
    first.join();
    second.join();
}

// A local of one coroutine, whose stack has moved since it was made, is given to another thread, which touches it too.
template <class Kind>
void race_for_a_local() {
    static std::atomic<int*> given{nullptr};
    std::thread other{[] {
        while (!given.load(std::memory_order_relaxed)) {
        }
        ++*given.load(std::memory_order_relaxed);
        turn.store(1, std::memory_order_relaxed);
    }};
    test::run<Kind>([] {
        int local = 0;
        on_a_grown_stack([&local] {
            ++local;
            given.store(&local, std::memory_order_relaxed);
            wait_for(1);
        });
    });
    other.join();
}

[[gnu::noinline]] void suspended_meanwhile() {
    this_coroutine::yield();
    test::opaque(&shared);
}

template <class Kind>
void race_beside_a_suspended_one() {
    std::thread first{[] {
        test::coroutine<Kind> suspended{[] { suspended_meanwhile(); }, Kind::options};
        test::coroutine<Kind> racing{[] { touch_in_turn(0); }, Kind::options};
        suspended.resume();
        racing.resume();
        suspended.resume();
    }};
    test::run<Kind>([] { touch_in_turn(1); });
    first.join();
}

// Returns how many more calls ThreadSanitizer knows of after many jumps than before.
[[gnu::noinline]] std::size_t calls_left_by_jumps() {
    const std::size_t before = __tsan_testonly_shadow_stack_current_size();
    for (int i = 0; i < 20; ++i) {
        std::jmp_buf env;
        if (setjmp(env) == 0) test::at_depth(test::depth(2000), [&env] { std::longjmp(env, 1); });
    }
    return __tsan_testonly_shadow_stack_current_size() - before;
}

} // namespace

TEST_CASE_TEMPLATE("a data race between coroutines of two threads is reported", Kind, GROWSTACK_EACH_KIND) {
    const test::child_end end = test::run_in_child(race_of_two<Kind>);
    CHECK(test::contains(end.error_text, race));
    CHECK(test::contains(end.error_text, "touch_in_turn"));
}

TEST_CASE_TEMPLATE("a data race for a coroutine's local is reported after its stack has grown", Kind,
                   GROWSTACK_EACH_KIND) {
    CHECK(test::contains(test::run_in_child(race_for_a_local<Kind>).error_text, race));
}

TEST_CASE_TEMPLATE("a report shows the calls of the coroutine that runs, and of no other", Kind, GROWSTACK_EACH_KIND) {
    const test::child_end end = test::run_in_child(race_beside_a_suspended_one<Kind>);
    CHECK(test::contains(end.error_text, race));
    CHECK(test::contains(end.error_text, "touch_in_turn"));
    CHECK(!test::contains(end.error_text, "suspended_meanwhile"));
}

TEST_CASE_TEMPLATE("a race is reported from a stack that has no more than its headroom left", Kind,
                   GROWSTACK_EACH_GROWING_KIND) {
    const test::child_end end = test::run_in_child([] {
        growstack::stack_options dense = Kind::options; // it is guarded instead, and of 16 KiB
        dense.initial_bytes = 8 * 1024;
        dense.headroom_bytes = 6 * 1024;
        dense.layout = growstack::stack_layout::dense;
        const auto run = [&dense](int mine) {
            test::run<Kind>([mine] { test::with_room(0, [mine] { touch_in_turn(mine); }); }, dense);
        };
        std::thread first{[&run] { run(0); }}, second{[&run] { run(1); }};
        first.join();
        second.join();
    });
    CHECK(end.signal == 0);
    CHECK(test::contains(end.error_text, race));
}

TEST_CASE_TEMPLATE("a race is reported from the smallest guarded stack, whose growth room opens for that", Kind,
                   GROWSTACK_EACH_GROWING_KIND) {
    const test::child_end end = test::run_in_child([] {
        growstack::stack_options small = Kind::options;
        small.initial_bytes = 4 * 1024;
        small.headroom_bytes = 1024;
        const auto run = [&small](int mine) {
            const auto stats = test::run<Kind>([mine] { test::with_room(0, [mine] { touch_in_turn(mine); }); }, small);
            if (stats.guard_faults) std::fprintf(stderr, "room opened, %zu bytes\n", stats.peak_stack_bytes);
        };
        std::thread first{[&run] { run(0); }}, second{[&run] { run(1); }};
        first.join();
        second.join();
    });
    CHECK(end.signal == 0);
    CHECK(test::contains(end.error_text, race));
    if (!test::is_stressed()) CHECK(test::contains(end.error_text, "room opened"));
}

TEST_CASE_TEMPLATE("coroutines of one thread that share data are no race", Kind, GROWSTACK_EACH_KIND) {
    const test::child_end end = test::run_in_child([] {
        int sum = 0;
        std::vector<test::coroutine<Kind>> all;
        for (int i = 0; i < 10; ++i)
            all.emplace_back(
                [&sum] {
                    for (int round = 0; round < 3; ++round)
                        on_a_grown_stack([&sum] { ++sum, this_coroutine::yield(); });
                },
                Kind::options);
        for (int round = 0; round < 2; ++round)
            for (auto& c : all) ++sum, c.resume();
        all.clear(); // suspended
        ++sum;
    });
    CHECK(end.error_text == "");
}

TEST_CASE_TEMPLATE("a coroutine that wanders between threads is no race", Kind, GROWSTACK_EACH_KIND) {
    const test::child_end end = test::run_in_child([] {
        int sum = 0;
        test::coroutine<Kind> c{[&sum] {
                                    for (std::size_t round = 0;; ++round)
                                        test::at_depth(100 * round, [&sum] { ++sum, this_coroutine::yield(); });
                                },
                                Kind::options};
        for (int i = 0; i < 10; ++i) std::thread{[&] { c.resume(), ++sum; }}.join();
    });
    CHECK(end.error_text == "");
}

TEST_CASE_TEMPLATE("a stack that was another thread's before is no race", Kind, GROWSTACK_EACH_KIND) {
    const test::child_end end = test::run_in_child([] {
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([] {
                for (int i = 0; i < 50; ++i) test::run<Kind>([] { on_a_grown_stack([] { this_coroutine::yield(); }); });
            });
        for (std::thread& t : threads) t.join();
    });
    CHECK(end.error_text == "");
}

TEST_CASE_TEMPLATE("native() may resume other coroutines", Kind, GROWSTACK_EACH_KIND) {
    const test::child_end end = test::run_in_child([] {
        int sum = 0;
        test::coroutine<Kind> inner{[&sum] { ++sum, this_coroutine::yield(), ++sum; }, Kind::options};
        test::coroutine<Kind> outer{[&] {
                                        growstack::native([&] { ++sum, inner.resume(), ++sum; });
                                        this_coroutine::yield();
                                        growstack::native([&] { inner.resume(); });
                                        ++sum;
                                    },
                                    Kind::options};
        while (!outer.done()) outer.resume(), ++sum;
    });
    CHECK(end.error_text == "");
}

TEST_CASE_TEMPLATE("many coroutines may be deep at once", Kind, GROWSTACK_EACH_KIND) {
    constexpr std::size_t levels = 4000, count = 40; // 160,000 calls: ThreadSanitizer records 65,536 of a thread
    const std::size_t depth = growstack::stress().move || growstack::stress().link ? levels / 40 : levels;
    std::vector<test::coroutine<Kind>> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.emplace_back([depth] { test::at_depth(depth, [] { this_coroutine::yield(); }); }, Kind::options);
        all.back().resume();
    }
    for (auto& c : all) c.resume();
    CHECK(all.back().done());
}

TEST_CASE_TEMPLATE("a jump has left the calls that it came from", Kind, GROWSTACK_EACH_KIND) {
    std::size_t in_coroutine = 1, in_native = 1;
    test::run<Kind>([&] {
        in_coroutine = calls_left_by_jumps();
        growstack::native([&] { in_native = calls_left_by_jumps(); });
        in_coroutine += calls_left_by_jumps();
    });
    CHECK(in_coroutine == 0);
    CHECK(in_native == 0);
    CHECK(calls_left_by_jumps() == 0);
}

TEST_CASE_TEMPLATE("a report shows the calls of the function that a jump has gone to", Kind, GROWSTACK_EACH_KIND) {
    const test::child_end end = test::run_in_child([] {
        const auto run = [](int mine) {
            test::run<Kind>([mine] {
                std::jmp_buf env;
                if (setjmp(env) == 0) on_a_grown_stack([&env] { std::longjmp(env, 1); });
                touch_in_turn(mine);
            });
        };
        std::thread first{[&run] { run(0); }}, second{[&run] { run(1); }};
        first.join();
        second.join();
    });
    CHECK(test::contains(end.error_text, race));
    CHECK(test::contains(end.error_text, "touch_in_turn"));
    CHECK(!test::contains(end.error_text, "recurse"));
}

TEST_CASE("while the audit is on, a block that malloc gives out again has nothing of what was freed there") {
    constexpr std::size_t words = 500;
    constexpr std::uintptr_t value = 0x1234567;
    const bool was_on = growstack::set_audit(true);
    auto* const first = static_cast<volatile std::uintptr_t*>(std::malloc(words * sizeof value));
    const auto address = reinterpret_cast<std::uintptr_t>(first);
    first[words - 1] = value;
    std::free(const_cast<std::uintptr_t*>(first));
    auto* const second = static_cast<volatile std::uintptr_t*>(std::malloc(words * sizeof value));
    growstack::set_audit(was_on);
    REQUIRE(reinterpret_cast<std::uintptr_t>(second) == address);
    CHECK(second[words - 1] == 0xfcfcfcfcfcfcfcfc);
    std::free(const_cast<std::uintptr_t*>(second));
}
