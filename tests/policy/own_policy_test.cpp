// A policy of the program's own is as good as the library's: nothing asks which one it is.
#include "own_policy.hpp"

#include "../support.hpp"

#include <stdexcept>

namespace this_coroutine = growstack::this_coroutine;

namespace {

template <class Stack>
std::size_t chunks_linked_for(std::size_t bytes) {
    growstack::coroutine<Stack> c{[bytes] { test::use_stack(bytes); }};
    c.resume();
    CHECK(c.done());
    return c.stats().chunks_linked;
}

} // namespace

TEST_CASE("a policy of the program's own decides how its stacks grow") {
    const std::size_t bytes = test::depth(1000) * 1000;
    const std::size_t doubling = chunks_linked_for<test::doubling_stack>(bytes);
    CHECK(doubling > 0);
    if (!growstack::stress().link) CHECK(doubling < chunks_linked_for<growstack::segmented_stack>(bytes) / 4);
}

TEST_CASE("a stack of the program's own policy serves generators, exceptions, and coroutines inside coroutines") {
    growstack::generator<int, test::doubling_stack> squares{[](auto& yield) {
        for (int i = 0; i < 3; ++i) {
            test::use_stack(100000);
            growstack::coroutine<test::doubling_stack> inner{[] {
                test::use_stack(50000);
                throw std::runtime_error{"inner"};
            }};
            CHECK_THROWS_WITH_AS(inner.resume(), "inner", std::runtime_error);
            yield(i * i);
        }
    }};
    int sum = 0;
    for (const int square : squares) sum += square;
    CHECK(sum == 5);
}

TEST_CASE("an overflow names the program's own policy") {
    growstack::stack_options small;
    small.max_bytes = 64 * 1024;
    growstack::coroutine<test::doubling_stack> c{[] { test::use_stack(1000000); }, small};
    try {
        c.resume();
        FAIL("no overflow");
    } catch (const growstack::stack_overflow& e) {
        CHECK(test::contains(e.what(), "(doubling_stack)"));
        CHECK(test::contains(e.what(), "raise stack_options::max_bytes"));
    }
}

TEST_CASE("a policy that shares a row of caches with another gets its own sizes, never the other's") {
    for (int i = 0; i < 100; ++i) {
        growstack::coroutine<test::doubling_stack> own{[] { this_coroutine::yield(); }};
        growstack::coroutine<growstack::contiguous_stack> other{[] { this_coroutine::yield(); }};
        for (int round = 0; round < 2; ++round) own.resume(), other.resume();
        CHECK(own.done());
        CHECK(other.done());
    }
}
