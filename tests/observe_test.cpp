// What can be seen of growth: trace events, stats, memory(), and shrinking.
#include "support.hpp"

#include "memory/stackalloc.hpp"

#include <array>
#include <cstring>
#include <thread>
#include <vector>

using growstack::trace_event;
namespace this_coroutine = growstack::this_coroutine;

namespace {

// The hook runs in the middle of growth: it only notes.
std::array<trace_event, 4096> events;
std::size_t event_count = 0;

void note(const trace_event& e) {
    if (event_count < events.size()) events[event_count++] = e;
}

class tracing {
public:
    tracing() {
        event_count = 0;
        growstack::set_trace(note);
    }
    ~tracing() { growstack::set_trace(nullptr); }
};

std::string kinds() {
    std::string all;
    for (std::size_t i = 0; i < event_count; ++i) all += std::string{name(events[i].kind)} + ' ';
    return all;
}

// The tests of this file ask for exact numbers of events, which the hard modes multiply.
bool is_plain() {
    if (!test::is_stressed()) return true;
    std::printf("Exact counts are not checked here: a hard mode moves or links at every check.\n");
    return false;
}

} // namespace

TEST_CASE("a move is traced as newstack, copystack, adjust, stackfree, with sizes and addresses") {
    if (!is_plain()) return;
    test::coroutine<test::contiguous> c{[] {
        int local = 0;
        int* volatile to_local = &local;
        test::with_room(100, [] { test::use_stack(3000); });
        *to_local = 1;
    }};
    const void* const id = c.id();
    {
        const tracing on;
        c.resume();
    }
    CHECK(kinds() == "newstack copystack adjust stackfree ");
    REQUIRE(event_count == 4);
    const trace_event &newstack = events[0], &copystack = events[1], &adjust = events[2], &stackfree = events[3];
    CHECK(newstack.coroutine == id);
    CHECK(newstack.bytes == 32 * 1024);
    CHECK(newstack.hi - newstack.lo == newstack.bytes);
    CHECK(copystack.lo == newstack.lo);
    CHECK(copystack.hi == newstack.hi);
    CHECK(copystack.bytes > 4096);
    CHECK(copystack.bytes <= 16 * 1024);
    CHECK(adjust.pointers > 1);
    CHECK(stackfree.bytes == 16 * 1024);
    CHECK(stackfree.hi - stackfree.lo == stackfree.bytes);
    CHECK(stackfree.lo != newstack.lo);
    CHECK((newstack.hi - stackfree.hi) % 4096 == 0);
}

TEST_CASE_TEMPLATE("a link is traced as push_chunk and its return as pop_chunk, for the same memory", Kind,
                   test::segmented, test::segmented_eager) {
    if (!is_plain()) return;
    test::coroutine<Kind> c{[] {
                                for (int i = 0; i < 3; ++i) test::with_room(100, [] { test::use_stack(500); });
                            },
                            Kind::options};
    const void* const id = c.id();
    {
        const tracing on;
        c.resume();
    }
    REQUIRE(event_count >= 6);
    int open = 0, pushes = 0;
    std::vector<trace_event> linked;
    bool is_paired = true;
    for (std::size_t i = 0; i < event_count; ++i) {
        const trace_event& e = events[i];
        CHECK(e.coroutine == id);
        if (e.kind == trace_event::push_chunk) {
            ++open, ++pushes;
            linked.push_back(e);
            CHECK((e.bytes == e.hi - e.lo || e.bytes == 0));
        } else if (e.kind == trace_event::pop_chunk) {
            --open;
            is_paired = is_paired && !linked.empty() && linked.back().lo == e.lo && linked.back().hi == e.hi;
            if (!linked.empty()) linked.pop_back();
        }
    }
    CHECK(open == 0);
    CHECK(is_paired);
    CHECK(c.stats().chunks_linked == static_cast<std::size_t>(pushes));
}

TEST_CASE("without a hook nothing is traced, and set_trace returns the hook before") {
    CHECK(!growstack::set_trace(note));
    CHECK((growstack::set_trace(nullptr) == note));
    event_count = 0;
    test::run<test::contiguous>([] { test::use_stack(50000); });
    CHECK(event_count == 0);
}

TEST_CASE("every kind of event has its name") {
    CHECK(std::string{name(trace_event::newstack)} == "newstack");
    CHECK(std::string{name(trace_event::copystack)} == "copystack");
    CHECK(std::string{name(trace_event::adjust)} == "adjust");
    CHECK(std::string{name(trace_event::stackfree)} == "stackfree");
    CHECK(std::string{name(trace_event::push_chunk)} == "push_chunk");
    CHECK(std::string{name(trace_event::pop_chunk)} == "pop_chunk");
}

TEST_CASE("stats of a contiguous stack count its moves, the bytes copied and its memory") {
    if (!is_plain()) return;
    growstack::stack_stats before, after;
    test::coroutine<test::contiguous> c{[&] {
        before = this_coroutine::stats();
        test::use_stack(100 * 1024);
        after = this_coroutine::stats();
        this_coroutine::yield();
    }};
    CHECK(c.stats().stack_bytes == 16 * 1024);
    c.resume();
    CHECK(before.moves == 0);
    CHECK(after.moves >= 3);
    CHECK(after.chunks_linked == 0);
    CHECK(after.bytes_copied > 50 * 1024);
    CHECK(after.bytes_copied < after.stack_bytes); // each copy is at most half as large as the next stack
    CHECK(c.stats().stack_bytes >= 128 * 1024);
    CHECK(c.stats().peak_stack_bytes >= c.stats().stack_bytes);
    c.resume();
    CHECK(c.stats().stack_bytes == 0);
    CHECK(c.stats().moves == after.moves);
}

TEST_CASE_TEMPLATE("stats of a segmented stack count its chunks and their memory", Kind, test::segmented,
                   test::segmented_eager) {
    if (!is_plain()) return;
    growstack::stack_stats deep, back;
    test::coroutine<Kind> c{[&] {
                                test::at_depth(1000, [&] { deep = this_coroutine::stats(); });
                                back = this_coroutine::stats();
                            },
                            Kind::options};
    c.resume();
    CHECK(deep.moves == 0);
    CHECK(deep.chunks_linked >= 4);
    CHECK(deep.stack_bytes == (deep.chunks_linked + 1) * 16 * 1024);
    // One chunk is kept at most, or none.
    const bool keeps = Kind::options.release == growstack::chunk_release::keep_one;
    CHECK(back.stack_bytes == (keeps ? 32 : 16) * 1024);
    CHECK(back.peak_stack_bytes >= deep.stack_bytes);
}

TEST_CASE("memory in use is what live coroutines hold") {
    const std::size_t before = growstack::memory().in_use;
    {
        test::coroutine<test::contiguous> c{[] { this_coroutine::yield(); }};
        CHECK(growstack::memory().in_use == before + 16 * 1024);
        c.resume();
        CHECK(growstack::memory().in_use == before + c.stats().stack_bytes);
        c.resume();
        CHECK(growstack::memory().in_use == before);
    }
    CHECK(growstack::memory().in_use == before);
    CHECK(growstack::memory().cached >= 16 * 1024);
}

TEST_CASE("freed stacks are used again: a thousand rounds take no more memory than one") {
    const auto round = [] {
        test::run<test::contiguous>([] { test::use_stack(test::depth(200) * 1000); });
        test::run<test::segmented>([] { test::use_stack(test::depth(200) * 1000); });
        test::run<test::segmented_eager>([] { test::use_stack(test::depth(200) * 1000); });
        test::run<test::fixed>([] { test::use_stack(1000); });
    };
    const auto total = [] { return growstack::memory().in_use + growstack::memory().cached; };
    round();
    std::size_t after_one = total();
    if (growstack::stress().fault) { // what the quarantine gives back goes round first; a leak would not come to rest
        for (std::size_t i = 0, last_change = 0; i < last_change + 300 && i < 3000; ++i) {
            round();
            if (total() != after_one) last_change = i, after_one = total();
        }
    }
    for (std::size_t i = 0; i < test::depth(1000); ++i) round();
    CHECK(total() <= after_one);
}

TEST_CASE("a suspended contiguous stack shrinks on request, by halves, when under a quarter is used") {
    long sum = 0;
    test::coroutine<test::contiguous> c{[&] {
        long local = 1;
        std::string text = "self";
        test::use_stack(200 * 1024);
        this_coroutine::yield();
        sum = local + static_cast<long>(text.size());
        test::use_stack(200 * 1024);
        sum += text == "self";
    }};
    c.resume();
    const bool can_move = !growstack::stress().link;
    const std::size_t large = c.stats().stack_bytes;
    const std::size_t moves = c.stats().moves;
    CHECK(c.shrink() == can_move);
    CHECK((!can_move || c.stats().stack_bytes < large / 2));
    CHECK(c.stats().moves == moves + can_move);
    CHECK(!c.shrink());
    c.resume();
    CHECK(sum == 6);
    CHECK(c.done());
}

TEST_CASE("a stack that is used by a quarter or more, running, dead or of another kind does not shrink") {
    test::coroutine<test::contiguous> deep{[] { test::at_depth(600, [] { this_coroutine::yield(); }); }};
    deep.resume();
    CHECK(!deep.shrink());
    CHECK(!test::coroutine<test::contiguous>{[] {}}.shrink());
    test::coroutine<test::segmented> segmented{[] { this_coroutine::yield(); }};
    segmented.resume();
    CHECK(!segmented.shrink());
    bool has_shrunk = true;
    test::coroutine<test::contiguous>* self = nullptr;
    test::coroutine<test::contiguous> running{[&] { has_shrunk = self->shrink(); }};
    self = &running;
    running.resume();
    CHECK(!has_shrunk);
    CHECK(!running.shrink());
}

TEST_CASE("a running contiguous stack that asks to shrink does so at its next check") {
    if (!is_plain()) return;
    growstack::stack_stats large, after;
    std::string text;
    test::run<test::contiguous>([&] {
        std::string local = "sso";
        test::use_stack(300 * 1024);
        large = this_coroutine::stats();
        this_coroutine::shrink();
        test::use_stack(100);
        after = this_coroutine::stats();
        text = local;
        test::use_stack(300 * 1024);
        text += local;
    });
    CHECK(after.stack_bytes < large.stack_bytes / 2);
    CHECK(after.moves == large.moves + 1);
    CHECK(text == "ssosso");
}

TEST_CASE("the hard modes are switched by the program too, for coroutines created afterwards") {
    const growstack::stress_modes before = growstack::set_stress({});
    constexpr std::size_t levels = test::fitting(48);
    const auto moves = [](growstack::stress_modes modes) {
        growstack::set_stress(modes);
        return test::run<test::contiguous>([] { test::at_depth(levels, [] {}); });
    };
    CHECK(moves({}).moves == 0);
    CHECK(moves({.move = true}).moves > levels);
    const auto linked = moves({.link = true});
    CHECK(linked.moves == 0);
    CHECK(linked.chunks_linked > levels);
    CHECK(growstack::set_stress(before).link);
}

TEST_CASE("poison fills what is freed") {
    const growstack::stress_modes before = growstack::set_stress({.poison = true});
    // A page size that nothing else in this test uses, so that the next stack is the one just freed.
    const auto memory = growstack::grow::stackalloc(32 * 1024);
    std::memset(reinterpret_cast<void*>(memory.lo), 1, memory.bytes());
    growstack::grow::stackfree(memory);
    const auto again = growstack::grow::stackalloc(32 * 1024);
    CHECK(again.lo == memory.lo);
    std::size_t other = 0;
    // The top words hold the list of free stacks.
    for (std::uintptr_t a = again.lo; a < again.hi - 64; ++a)
        other += *reinterpret_cast<const unsigned char*>(a) != 0xfc;
    CHECK(other == 0);
    growstack::grow::stackfree(again);
    growstack::set_stress(before);
}
