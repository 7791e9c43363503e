// Blocks and stacks of coroutines that have ended are used again: what must not be left over from the ones before.
#include "../stack_use.hpp"
#include "../support.hpp"

#include "sanitizer/address.hpp"

#include <array>
#include <exception>
#include <functional>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace this_coroutine = growstack::this_coroutine;

template <class Kind, class Body>
const void* id_of_next(Body&& body) {
    test::coroutine<Kind> c{std::forward<Body>(body), Kind::options};
    while (!c.done()) c.resume();
    return c.id();
}

struct counted {
    explicit counted(int& alive) : alive{&alive} { ++alive; }
    counted(const counted& other) : alive{other.alive} { ++*alive; }
    ~counted() { --*alive; }
    void operator()() const {}
    int* alive;
};

struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("copied"); }
    void operator()() const {}
};

std::size_t in_use() { return growstack::memory().in_use; }

} // namespace

TEST_CASE("the next coroutine of the same kind gets the block of the one before") {
    if (growstack::stress().poison || growstack::grow::has_address_sanitizer_runtime()) {
        MESSAGE("skipped: under poison and AddressSanitizer a stack is freed at once");
        return;
    }
    const growstack::stack_options options{.initial_bytes = 32 << 10};
    std::set<const void*> ids;
    for (int i = 0; i < 100; ++i) {
        growstack::coroutine<growstack::fixed_stack> c{[] {}, options};
        c.resume();
        ids.insert(c.id());
    }
    CHECK(ids.size() == 1);
}

TEST_CASE_TEMPLATE("a body is destroyed once: when it has ended, or with its handle", Kind, GROWSTACK_EACH_KIND) {
    int alive = 0;
    for (int i = 0; i < 10; ++i) {
        test::coroutine<Kind> c{counted{alive}, Kind::options};
        CHECK(alive == 1);
        if (i % 2) c.resume();
        CHECK(alive == (i % 2 ? 0 : 1));
    }
    CHECK(alive == 0);
}

TEST_CASE_TEMPLATE("counts are there after the end", Kind, GROWSTACK_EACH_GROWING_KIND) {
    test::coroutine<Kind> c{[] { test::use_stack(100 << 10); }, Kind::options};
    c.resume();
    const growstack::stack_stats stats = c.stats();
    CHECK(stats.moves + stats.chunks_linked > 0);
    CHECK((stats.moves > 0) == (stats.bytes_copied > 0));
    CHECK(stats.peak_stack_bytes > 100 << 10);
    CHECK(stats.stack_bytes == 0);
}

// What a body holds may point into its creator's stack, which may have moved when the body ends.
TEST_CASE_TEMPLATE("a body's destructor finds its creator's locals", Kind, GROWSTACK_EACH_KIND) {
    struct counts_down {
        explicit counts_down(int& count) : count{&count} { ++count; }
        counts_down(counts_down&& other) noexcept : count{std::exchange(other.count, nullptr)} {}
        ~counts_down() {
            if (count) --*count;
        }
        int* count;
    };
    int left[] = {-1, -1, -1};
    test::run<Kind>([&left] {
        int count = 0;
        {
            test::coroutine<Kind> unborn{[held = counts_down{count}] {}, Kind::options};
            test::coroutine<Kind> ended{[held = counts_down{count}] {}, Kind::options};
            test::coroutine<Kind> suspended{[held = counts_down{count}] { growstack::this_coroutine::yield(); },
                                            Kind::options};
            left[0] = count;
            test::use_stack(test::depth(60) << 10);
            ended.resume();
            left[1] = count;
            suspended.resume();
        }
        left[2] = count;
    });
    CHECK(left[0] == 3);
    CHECK(left[1] == 2);
    CHECK(left[2] == 0);
}

TEST_CASE_TEMPLATE("bodies of any size and alignment follow each other", Kind, GROWSTACK_EACH_KIND) {
    struct alignas(128) aligned {
        long values[16];
    };
    for (int round = 0; round < 3; ++round) {
        long sum = 0;
        const std::array<long, 4> small{1, 2, 3, 4};
        const std::array<long, 200> large{5};
        const aligned wide{{6}};
        id_of_next<Kind>([&sum, small] { sum += small[0] + small[3]; });
        id_of_next<Kind>([&sum, large] { sum += large[0] + large[199]; });
        id_of_next<Kind>([&sum, wide] {
            sum += wide.values[0];
            CHECK(reinterpret_cast<std::uintptr_t>(&wide) % 128 == 0);
        });
        CHECK(sum == 16);
    }
}

TEST_CASE_TEMPLATE("a body whose constructor throws leaves nothing", Kind, GROWSTACK_EACH_KIND) {
    const throws_when_copied body;
    const std::size_t before = in_use();
    for (int i = 0; i < 20; ++i) {
        CHECK_THROWS_AS((test::coroutine<Kind>{body, Kind::options}), std::runtime_error);
        id_of_next<Kind>([] {});
    }
    CHECK(in_use() == before);
}

TEST_CASE_TEMPLATE("what ended with an exception leaves none to the next", Kind, GROWSTACK_EACH_KIND) {
    for (int i = 0; i < 10; ++i) {
        test::coroutine<Kind> failing{[] { throw std::runtime_error("body"); }, Kind::options};
        CHECK_THROWS_AS(failing.resume(), std::runtime_error);
        test::coroutine<Kind> unwound{[] {
                                          try {
                                              throw 1;
                                          } catch (int) {
                                              this_coroutine::yield();
                                          }
                                      },
                                      Kind::options};
        unwound.resume();
        id_of_next<Kind>([] {
            CHECK(!std::current_exception());
            CHECK(std::uncaught_exceptions() == 0);
            if (!test::is_stressed()) CHECK(this_coroutine::stats().moves == 0);
        });
    }
}

TEST_CASE("a coroutine in a generator's block is no generator") {
    for (int i = 0; i < 3; ++i) {
        int sum = 0;
        for (int value : growstack::generator<int>{[](auto& yield) { yield(1); }}) sum += value;
        CHECK(sum == 1);
        growstack::coroutine<> c{[] { CHECK_THROWS_AS(this_coroutine::yield_value(1), growstack::usage_error); }};
        c.resume();
    }
}

TEST_CASE_TEMPLATE("coroutines that ended are destroyed by another thread, which ends too", Kind, GROWSTACK_EACH_KIND) {
    const std::size_t before = in_use();
    for (int round = 0; round < 5; ++round) {
        std::vector<test::coroutine<Kind>> ended;
        for (int i = 0; i < 100; ++i) {
            ended.emplace_back([] {}, growstack::stack_options{.initial_bytes = 16 << 10});
            ended.back().resume();
        }
        CHECK(in_use() == before);
        std::thread{[&] {
            ended.clear();
            for (int i = 0; i < 100; ++i) id_of_next<Kind>([] {});
        }}.join();
        CHECK(in_use() == before);
    }
}

TEST_CASE("handles of ended coroutines keep a mebibyte of stacks at most") {
    std::vector<growstack::coroutine<growstack::fixed_stack>> ended;
    const std::size_t before = in_use();
    std::set<std::uintptr_t> stacks;
    for (int i = 0; i < 1000; ++i) {
        ended.emplace_back([] {}, growstack::stack_options{.initial_bytes = 64 << 10});
        const auto& stack = static_cast<const growstack::detail::control_block*>(ended.back().id())->stack;
        stacks.insert(stack.memory.lo);
        ended.back().resume();
        CHECK(ended.back().stats().stack_bytes == 0);
    }
    CHECK(stacks.size() <= 20); // 16 are kept; the others go from hand to hand
    CHECK(in_use() == before);
}

TEST_CASE("other options, and other hard modes, get other stacks") {
    for (const std::size_t bytes : {16 << 10, 32 << 10, 16 << 10}) {
        growstack::coroutine<> c{[] {}, {.initial_bytes = bytes}};
        CHECK(c.stats().stack_bytes == bytes);
        c.resume();
    }
    const auto modes = growstack::set_stress({.move = true});
    growstack::stack_stats stats;
    growstack::coroutine<> moving{[&] {
        test::use_stack(1000);
        stats = this_coroutine::stats();
    }};
    moving.resume();
    CHECK(stats.moves > 0);
    growstack::set_stress({});
    growstack::coroutine<> quiet{[&] {
        test::use_stack(1000);
        stats = this_coroutine::stats();
    }};
    quiet.resume();
    CHECK(stats.moves == 0);
    growstack::set_stress(modes);
}
