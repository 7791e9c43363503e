// Code with and without checks that calls each other; yields and threads at any depth of growing stacks.
#include "checked.hpp"
#include "grow.hpp"

#include <algorithm>
#include <thread>

namespace {

struct segmented {
    using stack = growstack::segmented_stack;
    static constexpr growstack::stack_options options{.initial_bytes = 4096, .chunk_bytes = 16 * 1024};
};

std::size_t recurse_unchecked(std::size_t levels, guard::checked::callback f, void* argument);

// Recursion of both kinds by turns, each `depth` deep, `turns` times.
struct alternation {
    std::size_t checked_levels, unchecked_levels, turns;

    static std::size_t run(void* argument) {
        auto& self = *static_cast<alternation*>(argument);
        if (self.turns == 0) return 0;
        alternation next{self.checked_levels, self.unchecked_levels, self.turns - 1};
        return self.turns % 2 ? guard::checked::recurse(next.checked_levels, run, &next)
                              : recurse_unchecked(next.unchecked_levels, run, &next);
    }

    std::size_t expected() const { return turns / 2 * (unchecked_levels + 1) + (turns + 1) / 2 * (checked_levels + 1); }
};

[[gnu::noinline]] std::size_t recurse_unchecked(std::size_t levels, guard::checked::callback f, void* argument) {
    volatile std::size_t here = levels;
    volatile std::size_t* const pointer = &here;
    guard::opaque(&here);
    const std::size_t below = levels ? recurse_unchecked(levels - 1, f, argument) : f(argument);
    return *pointer == levels && here == levels ? below + 1 : 0;
}

// Yields on the way down and on the way up.
[[gnu::noinline]] bool yields_at_each_depth(int levels) {
    volatile char room[500];
    volatile int here = levels;
    volatile int* const pointer = &here;
    guard::opaque(room);
    guard::opaque(&here);
    growstack::this_coroutine::yield();
    const bool is_right_below = levels == 0 || yields_at_each_depth(levels - 1);
    growstack::this_coroutine::yield();
    guard::opaque(room);
    return is_right_below && *pointer == levels && here == levels;
}

[[gnu::noinline]] void yield_values(int lo, int hi) {
    volatile char room[400];
    guard::opaque(room);
    if (lo == hi) return;
    growstack::this_coroutine::yield_value(int{lo});
    yield_values(lo + 1, hi);
    guard::opaque(room);
}

// What switches, or takes stacks, where it may be the first to touch a page.
growstack::coroutine<>* endless = nullptr;
void yields() { growstack::this_coroutine::yield(); }
void resumes() { endless->resume(); }
void creates() {
    growstack::coroutine<> c{[] {}};
}
void creates_and_resumes() {
    growstack::coroutine<>{[] {}}.resume();
}
void creates_and_destroys() {
    growstack::coroutine<>{[] { growstack::this_coroutine::yield(); }}.resume();
}

template <std::size_t Bytes>
[[gnu::noinline]] std::size_t at_each_level(std::size_t levels, void (*f)()) {
    volatile char room[Bytes];
    guard::opaque(room);
    room[0] = 1;
    f();
    const std::size_t below = levels ? at_each_level<Bytes>(levels - 1, f) : 0;
    return below + static_cast<std::size_t>(room[0]);
}

template <std::size_t Bytes>
bool grows_by_small_frames(void (*f)()) {
    growstack::coroutine<> other{[] {
        for (;;) growstack::this_coroutine::yield();
    }};
    endless = &other;
    std::size_t sum = 0;
    growstack::coroutine<> c{[&] { sum = at_each_level<Bytes>(150'000 / Bytes, f); }};
    while (!c.done()) c.resume();
    return sum == 150'000 / Bytes + 1 && c.stats().moves > 0;
}

} // namespace

TYPE_TO_STRING(segmented);

// growstack's own code opens the reserve, which the frames then stay within.
TEST_CASE("code without checks may call growstack at each level, however small its frames") {
    for (auto* const f : {yields, resumes, creates, creates_and_resumes, creates_and_destroys}) {
        CHECK(guard::is_right_in_child([f] { return grows_by_small_frames<16>(f); }));
        CHECK(guard::is_right_in_child([f] { return grows_by_small_frames<112>(f); }));
        CHECK(guard::is_right_in_child([f] { return grows_by_small_frames<1000>(f); }));
    }
}

TEST_CASE_TEMPLATE("code with and without checks calls back and forth, deep in both", Kind,
                   GROWSTACK_SMALL_AND_LARGE_KINDS, segmented) {
    for (const std::size_t levels : {1u, 7u, 100u, 500u}) {
        CAPTURE(levels);
        // A segmented stack's code without checks has only the headroom and the room.
        alternation all{levels, std::is_same_v<Kind, segmented> ? std::min<std::size_t>(levels, 100) : levels, 12};
        std::size_t sum = 0;
        test::run<Kind>([&] { sum = alternation::run(&all); });
        CHECK(sum == all.expected());
    }
}

TEST_CASE("code with checks is called at every place of a stack, and calls back") {
    CHECK(guard::is_right_everywhere([] {
        alternation all{6, 6, 6};
        return alternation::run(&all) == all.expected();
    }));
}

TEST_CASE_TEMPLATE("a coroutine yields at every depth", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    CHECK(guard::is_right_in_child([] {
        bool is_right = false;
        int resumes = 0;
        test::coroutine<Kind> c{[&] { is_right = yields_at_each_depth(500); }, Kind::options};
        for (; !c.done(); ++resumes) c.resume();
        return is_right && resumes == 2 * 501 + 1;
    }));
}

TEST_CASE_TEMPLATE("a coroutine that has grown by guard faults goes on on another thread", Kind,
                   GROWSTACK_SMALL_AND_LARGE_KINDS) {
    CHECK(guard::is_right_in_child([] {
        bool is_right = false;
        int resumes = 0;
        test::coroutine<Kind> c{[&] { is_right = yields_at_each_depth(150); }, Kind::options};
        while (!c.done()) {
            std::thread{[&] {
                for (int i = 0; i < 7 && !c.done(); ++i, ++resumes) c.resume();
            }}.join();
            if (!c.done()) c.resume(), ++resumes;
        }
        return is_right && resumes == 2 * 151 + 1;
    }));
}

TEST_CASE("a coroutine yields at every place of a stack") {
    CHECK(guard::is_right_everywhere([] { return yields_at_each_depth(3); }));
}

TEST_CASE_TEMPLATE("a generator yields from recursion", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    CHECK(guard::is_right_in_child([] {
        test::generator<int, Kind> numbers{[] { yield_values(0, 1000); }, Kind::options};
        int expected = 0;
        for (int n : numbers) {
            if (n != expected) return false;
            ++expected;
        }
        return expected == 1000;
    }));
}
