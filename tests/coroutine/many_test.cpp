// Very many coroutines alive at once.
#include "../support.hpp"

#include <cstdio>
#include <new>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;

namespace {

// 100,000, or as many as make sense here; says why if it is fewer.
std::size_t how_many() {
    if (growstack::stress().poison || test::is_stressed()) {
        std::printf("10,000 coroutines at once instead of 100,000: a hard mode touches all of each stack.\n");
        return 10000;
    }
    return 100000;
}

} // namespace

TEST_CASE_TEMPLATE("100,000 coroutines are alive at once, each with its own locals", Kind, GROWSTACK_EACH_KIND) {
    growstack::stack_options options = test::with_first_bytes<Kind>(16 * 1024);
    options.escape_bytes = 64 * 1024; // else many page tables, which each later fork copies
    std::size_t count = how_many();
    std::vector<test::coroutine<Kind>> all;
    all.reserve(count);
    std::size_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        try {
            all.emplace_back(
                [&sum, i] {
                    const std::size_t local = i;
                    this_coroutine::yield();
                    sum += local;
                },
                options);
        } catch (const std::bad_alloc&) {
            // A kernel without guard regions (before 6.13) runs out of mappings: vm.max_map_count.
            std::printf("%zu coroutines at once instead of %zu: the system gives no more stacks.\n", i, count);
            count = i;
        }
    }
    CHECK(count >= 10000);
    for (auto& c : all) c.resume();
    CHECK(growstack::memory().in_use >= count * 16 * 1024);
    // The odd ones end, the others are destroyed in the middle.
    std::size_t expected = 0;
    for (std::size_t i = 1; i < count; i += 2) {
        all[i].resume();
        expected += i;
    }
    all.clear();
    CHECK(sum == expected);
}

TEST_CASE_TEMPLATE("a thousand coroutines grow and shrink in turns", Kind, GROWSTACK_EACH_KIND) {
    const std::size_t count = test::depth(1000);
    std::vector<test::coroutine<Kind>> all;
    std::size_t right = 0;
    growstack::stack_options options = Kind::options;
    if (!test::can_grow<Kind>) options.initial_bytes = 128 * 1024;
    for (std::size_t i = 0; i < count; ++i)
        all.emplace_back(
            [&right, i] {
                std::string local = std::to_string(i);
                for (std::size_t round = 0; round < 5; ++round) {
                    test::at_depth((i * 37 + round * 101) % test::fitting(500), [] { this_coroutine::yield(); });
                    right += local == std::to_string(i);
                    this_coroutine::shrink();
                }
            },
            options);
    for (bool is_any_left = true; is_any_left;) {
        is_any_left = false;
        for (auto& c : all)
            if (!c.done()) {
                c.resume();
                c.shrink();
                is_any_left = true;
            }
    }
    CHECK(right == 5 * count);
}
