// Coroutines and threads: each resume may come from another thread, whatever the coroutine is in the middle of.
#include "support.hpp"

#include "memory/stackalloc.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;

namespace {

// Resumes coroutines on whichever thread is free until all are done.
template <class Coroutine>
void run_on_threads(std::vector<Coroutine>& all, unsigned thread_count) {
    std::mutex mutex;
    std::deque<Coroutine*> ready;
    std::size_t left = all.size();
    std::condition_variable changed;
    for (Coroutine& c : all) ready.push_back(&c);
    const auto work = [&] {
        for (std::unique_lock lock{mutex};;) {
            changed.wait(lock, [&] { return !ready.empty() || !left; });
            if (!left) return;
            Coroutine* const c = ready.front();
            ready.pop_front();
            lock.unlock();
            c->resume();
            lock.lock();
            if (c->done()) --left;
            else ready.push_back(c);
            if (!left) changed.notify_all();
            else changed.notify_one();
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < thread_count; ++i) threads.emplace_back(work);
    for (std::thread& t : threads) t.join();
}

// Yields in a handler, in a destructor in flight, at depth, and checks that its exceptions come along.
int migrate(int name) {
    int right = 0;
    for (int round = 0; round < 5; ++round) {
        try {
            try {
                test::at_depth(static_cast<std::size_t>(20 * round + name % 7), [&] { throw name + round; });
            } catch (int caught) {
                this_coroutine::yield();
                test::at_depth(100, [] { this_coroutine::yield(); });
                right += caught == name + round;
                throw;
            }
        } catch (int again) {
            right += again == name + round && std::uncaught_exceptions() == 0;
        }
        struct yields {
            int* right;
            ~yields() {
                *right += std::uncaught_exceptions() == 1;
                this_coroutine::yield();
                *right += std::uncaught_exceptions() == 1;
                test::at_depth(100, [] { this_coroutine::yield(); });
                *right += std::uncaught_exceptions() == 1;
            }
        };
        try {
            const yields y{&right};
            throw std::runtime_error(std::to_string(name));
        } catch (const std::runtime_error& e) {
            right += e.what() == std::to_string(name);
        }
        this_coroutine::yield();
    }
    return right;
}

} // namespace

TEST_CASE_TEMPLATE("coroutines wander between threads with exceptions in flight and caught", Kind,
                   GROWSTACK_EACH_KIND) {
    constexpr std::size_t count = 200;
    std::vector<int> right(count);
    std::vector<test::coroutine<Kind>> all;
    for (std::size_t i = 0; i < count; ++i)
        all.emplace_back([&right, i] { right[i] = migrate(static_cast<int>(i)); }, Kind::options);
    run_on_threads(all, 4);
    CHECK(right == std::vector<int>(count, 5 * 6));
}

TEST_CASE_TEMPLATE("coroutines that create coroutines wander with them", Kind, GROWSTACK_EACH_KIND) {
    constexpr std::size_t count = 100;
    std::vector<int> sums(count);
    std::vector<test::coroutine<Kind>> all;
    for (std::size_t i = 0; i < count; ++i)
        all.emplace_back(
            [&sums, i] {
                int local = 0;
                test::coroutine<Kind> inner{[&] {
                                                for (;;) {
                                                    ++local;
                                                    test::at_depth(30, [] { this_coroutine::yield(); });
                                                }
                                            },
                                            Kind::options};
                for (std::size_t round = 0; round < 10; ++round) {
                    inner.resume();
                    test::at_depth(30 * round, [] { this_coroutine::yield(); });
                }
                sums[i] = local;
            },
            Kind::options);
    run_on_threads(all, 4);
    CHECK(sums == std::vector<int>(count, 10));
}

TEST_CASE_TEMPLATE("each thread grows stacks of its own at the same time", Kind, GROWSTACK_EACH_KIND) {
    std::vector<std::thread> threads;
    std::vector<std::size_t> sums(4);
    for (std::size_t& sum : sums)
        threads.emplace_back([&sum] {
            for (int i = 0; i < 100; ++i) test::run<Kind>([&] { sum += test::at_depth(test::depth(800), [] {}); });
        });
    for (std::thread& t : threads) t.join();
    CHECK(sums == std::vector<std::size_t>(4, 100 * test::depth(800)));
}

TEST_CASE_TEMPLATE("a coroutine may be created, run and destroyed each by another thread", Kind, GROWSTACK_EACH_KIND) {
    int steps = 0;
    test::coroutine<Kind> c;
    std::thread{[&] {
        c = test::coroutine<Kind>{[&] {
                                      ++steps;
                                      test::at_depth(test::depth(500), [] { this_coroutine::yield(); });
                                      ++steps;
                                  },
                                  Kind::options};
    }}.join();
    std::thread{[&] { c.resume(); }}.join();
    std::thread{[&] { c = {}; }}.join();
    CHECK(steps == 1);
}

TEST_CASE("a thread that ends gives its free stacks back to all") {
    if (growstack::stress().fault) {
        MESSAGE("skipped: in the hard mode fault, former stacks are given back later");
        return;
    }
    const auto total = [] { return growstack::memory().in_use + growstack::memory().cached; };
    const auto in_a_thread = [] {
        std::thread{[] {
            for (int i = 0; i < 20; ++i) {
                test::run<test::contiguous>([] { test::use_stack(60000); });
                test::run<test::segmented>([] { test::use_stack(60000); });
            }
        }}.join();
    };
    in_a_thread();
    in_a_thread();
    const std::size_t after_two = total();
    for (int i = 0; i < 50; ++i) in_a_thread();
    CHECK(total() <= after_two);
}

TEST_CASE("memory in use is right when one thread creates what another destroys, and both are gone") {
    const std::size_t before = growstack::memory().in_use;
    for (int i = 0; i < 10; ++i) {
        std::vector<test::coroutine<test::contiguous>> all;
        std::thread{[&] {
            for (int k = 0; k < 100; ++k) all.emplace_back([] { this_coroutine::yield(); });
        }}.join();
        CHECK(growstack::memory().in_use == before + 100 * 16 * 1024);
        std::thread{[&] {
            for (auto& c : all) c.resume();
            all.clear();
        }}.join();
        CHECK(growstack::memory().in_use == before);
    }
}

namespace {

// Destroyed after growstack's thread-local objects: frees a stack when the thread's cache is gone.
struct late {
    std::vector<test::coroutine<test::contiguous>> all;
};
thread_local late destroyed_late;

} // namespace

TEST_CASE("a coroutine in a thread_local is unwound when its thread ends") {
    static int alive = 0;
    std::thread{[] {
        destroyed_late.all.reserve(1); // constructed before growstack's own thread-local objects
        destroyed_late.all.emplace_back([] {
            struct counted {
                counted() { ++alive; }
                ~counted() { --alive; }
            } c;
            test::at_depth(300, [] { this_coroutine::yield(); });
        });
        destroyed_late.all.back().resume();
    }}.join();
    CHECK(alive == 0);
}
