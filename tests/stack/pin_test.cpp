// Pins: what must not move does not, and moves again afterwards.
#include "../support.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;

namespace {

std::uintptr_t address(const volatile void* p) { return reinterpret_cast<std::uintptr_t>(p); }

// Where an object lies, in a number that no move takes for a pointer.
std::uintptr_t hidden(const volatile void* p) { return ~address(p); }

} // namespace

TEST_CASE_TEMPLATE("a pinned stack does not move: growth links chunks", Kind, GROWSTACK_EACH_KIND) {
    bool is_in_place = false;
    growstack::stack_stats pinned;
    test::run<Kind>([&] {
        const growstack::pin pin;
        volatile int local = 0;
        const std::uintptr_t before = hidden(&local);
        const std::size_t moves = this_coroutine::stats().moves;
        test::use_stack(200000);
        pinned = this_coroutine::stats();
        pinned.moves -= moves;
        is_in_place = hidden(&local) == before;
    });
    CHECK(is_in_place);
    CHECK(pinned.moves == 0);
    if (test::can_grow<Kind>) CHECK(pinned.chunks_linked > 0);
}

TEST_CASE("a stack without pins moves again, and has no chunks left") {
    growstack::stack_stats while_pinned, afterwards;
    test::run<test::contiguous>([&] {
        {
            const growstack::pin outer;
            const growstack::pin inner;
            test::use_stack(100000);
            while_pinned = this_coroutine::stats();
        }
        test::use_stack(100000);
        afterwards = this_coroutine::stats();
    });
    if (!growstack::stress().link) CHECK(while_pinned.stack_bytes < 100000);
    if (!growstack::stress().link) CHECK(afterwards.moves > while_pinned.moves);
}

TEST_CASE("pins nest, and may end in any order") {
    bool is_in_place = true;
    test::run<test::contiguous>([&] {
        volatile int local = 0;
        std::uintptr_t before = 0;
        auto first = std::make_unique<growstack::pin>();
        before = hidden(&local);
        auto second = std::make_unique<growstack::pin>();
        first.reset();
        test::use_stack(100000);
        is_in_place = hidden(&local) == before;
    });
    CHECK(is_in_place);
}

TEST_CASE_TEMPLATE("nodes in the heap may point to a pinned container", Kind, GROWSTACK_EACH_KIND) {
    std::size_t sum = 0;
    test::run<Kind>([&] {
        const growstack::pin pin;
        std::map<int, std::size_t> local;
        for (int i = 0; i < 100; ++i) {
            local[i] = static_cast<std::size_t>(i);
            test::use_stack(static_cast<std::size_t>(i) * 1000);
        }
        for (const auto& [key, value] : local) sum += value;
    });
    CHECK(sum == 4950);
}

TEST_CASE("a pin holds over a yield: the handle cannot shrink the stack") {
    bool is_in_place = false, may_shrink = true;
    test::coroutine<test::contiguous> c{[&] {
        test::use_stack(100000);
        volatile int local = 0;
        {
            const growstack::pin pin;
            const std::uintptr_t before = hidden(&local);
            this_coroutine::yield();
            is_in_place = hidden(&local) == before;
        }
        this_coroutine::yield();
    }};
    c.resume();
    may_shrink = c.shrink();
    c.resume();
    CHECK(is_in_place);
    CHECK_FALSE(may_shrink);
    if (!growstack::stress().link) CHECK(c.shrink());
}

TEST_CASE("a pinned coroutine is destroyed as any other") {
    for (const std::size_t bytes : {0, 100000}) {
        int destroyed = 0;
        struct counts {
            int& n;
            ~counts() { ++n; }
        };
        {
            test::coroutine<test::contiguous> c{[&] {
                const growstack::pin pin;
                const counts first{destroyed};
                test::at_depth(bytes / 100, [&] {
                    const counts second{destroyed};
                    this_coroutine::yield();
                });
            }};
            c.resume();
        }
        CHECK(destroyed == 2);
    }
}

TEST_CASE("an exception passes a pin") {
    bool is_in_place = false;
    std::size_t moves = 0;
    test::run<test::contiguous>([&] {
        volatile int local = 0;
        const growstack::pin outer;
        const std::uintptr_t before = hidden(&local);
        const std::size_t moves_before = this_coroutine::stats().moves;
        try {
            test::at_depth(2000, [] {
                const growstack::pin inner;
                throw 1;
            });
        } catch (int) {
            test::use_stack(50000);
        }
        is_in_place = hidden(&local) == before;
        moves = this_coroutine::stats().moves - moves_before;
    });
    CHECK(is_in_place);
    CHECK(moves == 0);
}

TEST_CASE("the hot split shows on a pinned stack, and not after it") {
    growstack::stack_stats pinned, after;
    test::run<test::contiguous>([&] {
        {
            const growstack::pin pin;
            for (int i = 0; i < 100; ++i) test::use_stack(20000);
            pinned = this_coroutine::stats();
        }
        for (int i = 0; i < 100; ++i) test::use_stack(20000);
        after = this_coroutine::stats();
    });
    CHECK(pinned.chunks_linked >= 100);
    if (!test::is_stressed()) CHECK(after.chunks_linked == pinned.chunks_linked);
}

TEST_CASE("a pin outside a coroutine, and in native(), does nothing") {
    const growstack::pin outside;
    growstack::stack_stats stats;
    test::run<test::contiguous>([&] {
        growstack::native([] { const growstack::pin pin; });
        test::use_stack(100000);
        stats = this_coroutine::stats();
    });
    if (!growstack::stress().link) CHECK(stats.moves > 0);
}
