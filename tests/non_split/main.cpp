// gold and lld find calls from code with checks into code without, and replace the caller's check by
// __morestack_non_split.
#include "calls.hpp"

#include <growstack/growstack.hpp>

#include <cstdio>

namespace {

int passed = 0, failed = 0;

void check(bool is_true, const char* what) {
    ++(is_true ? passed : failed);
    if (!is_true) std::printf("FAILED: %s\n", what);
}

growstack::stack_stats run(std::size_t non_split_bytes, std::size_t used_bytes, int calls) {
    growstack::stack_stats stats;
    int sum = 0;
    growstack::coroutine<growstack::contiguous_stack> c{
        [&] {
            for (int i = 0; i < calls; ++i) sum += call_from_checked_code(used_bytes);
            stats = growstack::this_coroutine::stats();
        },
        {.initial_bytes = 16 << 10, .non_split_bytes = non_split_bytes}};
    c.resume();
    check(sum == 2 * calls, "the calls return what they should");
    return stats;
}

} // namespace

int main() {
    check(call_from_checked_code(100'000) == 2, "on a plain thread it is an ordinary call");

    const auto large = run(100'000, 99'000, 10);
    check(large.moves == 1, "the caller's check makes the room once");
    check(large.guard_faults == 0, "the callee finds room before it asks the guard");

    check(run(0, 1000, 10).moves == 0, "with non_split_bytes 0 the check asks for the caller's own frame");
    check(run(4096, 1000, 10).moves == 0, "where there is room nothing moves");

    growstack::coroutine<growstack::segmented_stack> linked{
        [] { check(call_from_checked_code(30'000) == 2, "the callee runs on the chunk"); },
        {.non_split_bytes = 32'000}};
    linked.resume();
    check(linked.stats().chunks_linked == 1 && linked.stats().guard_faults == 0,
          "a segmented stack links a chunk for both");

    bool has_thrown = false;
    growstack::coroutine<growstack::fixed_stack> full{
        [&] {
            try {
                call_from_checked_code(100);
            } catch (const growstack::stack_overflow&) {
                has_thrown = true;
            }
        },
        {.initial_bytes = 64 << 10, .room_bytes = 0, .non_split_bytes = 100 << 10}};
    full.resume();
    check(has_thrown, "a fixed stack that is too small for it throws stack_overflow");

    std::printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
