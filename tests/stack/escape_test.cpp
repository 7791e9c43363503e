// Escape stacks, where a safe build keeps the locals whose address escapes. In an ordinary build the same programs give
// the same results, and no escape stack is taken.
#include "../support.hpp"

#include <alloca.h>
#include <dlfcn.h>

#include <array>
#include <csetjmp>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;

namespace {

using test::is_safe_build;

std::size_t escape_bytes_now() { return this_coroutine::stats().escape_stack_bytes; }

// The thread's escape pointer; 0 in an ordinary build.
std::uintptr_t escape_pointer() { return is_safe_build ? growstack::detail::read_escape_pointer() : 0; }

// A local with a way to it that no move can follow, and none has to, as it lies on an escape stack.
struct hidden_address {
    static constexpr std::uintptr_t key = 0x5a5a5a5a5a5a5a5a;
    explicit hidden_address(void* p) : value{reinterpret_cast<std::uintptr_t>(p) ^ key} {}
    void* get() const { return reinterpret_cast<void*>(value ^ key); }
    std::uintptr_t value;
};

// One for each frame of descend(): a list from the innermost to the outermost.
struct linked {
    linked* outer;
    std::size_t level;
    unsigned char room[208];
};

std::size_t right_links(const linked* innermost, std::size_t levels) {
    std::size_t right = 0;
    for (const linked* l = innermost; l; l = l->outer) {
        right += l->level == right && l->room[l->level % sizeof l->room] == static_cast<unsigned char>(l->level);
        if (right > levels) break;
    }
    return right;
}

// Goes down `levels` frames that each have a link, calls f there, and returns how many links are right.
[[gnu::noinline]] std::size_t descend(std::size_t levels, linked* outer, void (*f)(void*), void* argument) {
    linked here{outer, levels, {}};
    here.room[levels % sizeof here.room] = static_cast<unsigned char>(levels);
    test::opaque(&here);
    std::size_t right;
    if (levels) {
        right = descend(levels - 1, &here, f, argument);
    } else {
        f(argument);
        right = right_links(&here, levels + 1000000);
    }
    test::opaque(&here);
    return here.level == levels && here.outer == outer ? right : 0;
}

template <class F>
std::size_t descend(std::size_t levels, F&& f) {
    return descend(levels, nullptr, &test::call<std::remove_reference_t<F>>, test::address(f));
}

// Under a hard mode each check moves or links, which makes depth cost its square.
std::size_t levels(std::size_t plain) {
    if (!test::is_stressed()) return plain;
    (void)test::depth(0);
    return plain < 1000 ? plain : 1000;
}

template <class Kind>
growstack::stack_options with_escape_bytes(std::size_t bytes) {
    growstack::stack_options options = test::with_first_bytes<Kind>(std::size_t{16} << 10);
    options.escape_bytes = bytes;
    return options;
}

class stress_for_now {
public:
    explicit stress_for_now(growstack::stress_modes modes) : before_{growstack::set_stress(modes)} {}
    ~stress_for_now() { growstack::set_stress(before_); }
    stress_for_now(const stress_for_now&) = delete;
    stress_for_now& operator=(const stress_for_now&) = delete;

private:
    growstack::stress_modes before_;
};

class trace_for_now {
public:
    explicit trace_for_now(growstack::trace_hook hook) { growstack::set_trace(hook); }
    ~trace_for_now() { growstack::set_trace(nullptr); }
    trace_for_now(const trace_for_now&) = delete;
    trace_for_now& operator=(const trace_for_now&) = delete;
};

} // namespace

TEST_CASE_TEMPLATE("stats() says what is in use on the escape stack, and nothing stays in use", Kind,
                   GROWSTACK_EACH_KIND) {
    std::size_t before = 0, below = 0, after = 0;
    const auto last = test::run<Kind>([&] {
        before = escape_bytes_now();
        CHECK(descend(99, [&] { below = escape_bytes_now(); }) == 100);
        after = escape_bytes_now();
    });
    CHECK(after == before);
    if (is_safe_build) {
        CHECK(below >= before + 100 * sizeof(linked));
        CHECK(last.peak_escape_stack_bytes >= 100 * sizeof(linked));
    } else {
        CHECK(before + below + last.escape_stack_bytes + last.peak_escape_stack_bytes == 0);
    }
}

TEST_CASE_TEMPLATE("a coroutine in which nothing escapes takes no memory for its escape stack", Kind,
                   GROWSTACK_EACH_KIND) {
#ifndef __OPTIMIZE__
    MESSAGE("skipped: unoptimised, resume() and yield() have a local whose address escapes");
    return;
#endif
    growstack::trim(); // what earlier ones have touched
    int count = 0;
    test::coroutine<Kind> c{[&count] {
                                ++count;
                                this_coroutine::yield();
                                ++count;
                            },
                            Kind::options};
    c.resume();
    CHECK(c.stats().escape_stack_bytes == 0);
    CHECK(c.stats().peak_escape_stack_bytes == 0);
    c.resume();
    CHECK(count == 2);
    CHECK(c.stats().escape_stack_bytes == 0);
}

TEST_CASE_TEMPLATE("trim() gives back what a suspended coroutine does not use of its escape stack", Kind,
                   GROWSTACK_EACH_KIND) {
    std::size_t right = 0;
    test::coroutine<Kind> c{[&right] {
                                std::array<char, 100000> large;
                                large.fill('x');
                                test::opaque(large.data());
                                const auto in_the_middle = [] { this_coroutine::yield(); };
                                right = descend(9, in_the_middle);
                                right += large.front() == 'x' && large.back() == 'x';
                            },
                            test::with_first_bytes<Kind>(std::size_t{256} << 10)};
    c.resume();
    if (is_safe_build) CHECK(c.stats().peak_escape_stack_bytes >= 100000);
    growstack::trim();
    const auto kept = c.stats();
    CHECK(kept.peak_escape_stack_bytes <= kept.escape_stack_bytes + 2 * test::page);
    c.resume();
    CHECK(right == 11);
}

TEST_CASE_TEMPLATE("trim() keeps nothing of a deep recursion that has returned", Kind, GROWSTACK_EACH_GROWING_KIND) {
    test::coroutine<Kind> c{[] {
                                descend(levels(2000), [] {});
                                this_coroutine::yield();
                            },
                            Kind::options};
    c.resume();
    if (is_safe_build) CHECK(c.stats().peak_escape_stack_bytes >= levels(2000) * sizeof(linked));
    growstack::trim();
    CHECK(c.stats().peak_escape_stack_bytes <= c.stats().escape_stack_bytes + test::page);
    c.resume();
}

TEST_CASE_TEMPLATE("an escape stack that was given back serves the next coroutine, from its high end", Kind,
                   GROWSTACK_EACH_KIND) {
    std::uintptr_t first = 0, second = 0;
    for (std::uintptr_t* where : {&first, &second}) {
        test::coroutine<Kind> c{[where] {
                                    *where = escape_pointer();
                                    descend(20, [] { this_coroutine::yield(); });
                                },
                                Kind::options};
        c.resume(); // destroyed in the middle
    }
    CHECK(first == second);
    CHECK((first != 0) == is_safe_build);
}

TEST_CASE_TEMPLATE("an escape stack grows by pieces: a deep recursion needs no option", Kind,
                   GROWSTACK_EACH_GROWING_KIND) {
    static int added;
    added = 0;
    const trace_for_now counted{
        [](const growstack::trace_event& e) { added += e.kind == growstack::trace_event::add_escape; }};
    const std::size_t all = levels(50000);
    std::size_t before = 0, below = 0, after = 0;
    test::run<Kind>(
        [&] {
            before = escape_bytes_now();
            for (int i = 0; i < 2; ++i) CHECK(descend(all - 1, [&] { below = escape_bytes_now(); }) == all);
            after = escape_bytes_now();
        },
        with_escape_bytes<Kind>(std::size_t{64} << 10));
    CHECK(after == before);
    if (is_safe_build) {
        CHECK(below >= before + all * sizeof(linked));
        CHECK(added >= (test::is_stressed() ? 1 : 2));
    } else {
        CHECK(added == 0);
    }
}

TEST_CASE_TEMPLATE("an address that nothing can find stays right on an escape stack, over growth", Kind,
                   GROWSTACK_EACH_GROWING_KIND) {
    if (!is_safe_build) {
        MESSAGE("skipped: an ordinary build promises no such thing");
        return;
    }
    std::size_t right = 0;
    const auto stats = test::run<Kind>([&right] {
        int local = 1;
        const auto hidden = std::make_unique<hidden_address>(&local);
        test::use_stack(test::depth(400000));
        *static_cast<int*>(hidden->get()) += 1;
        right = static_cast<std::size_t>(local);
    });
    CHECK(right == 2);
    CHECK(stats.moves + stats.chunks_linked > 0);
}

TEST_CASE("an escape stack that is full is a stack_overflow that names the option, and the coroutine goes on") {
    if (!is_safe_build) {
        MESSAGE("skipped: in an ordinary build there is none to overflow");
        return;
    }
    const stress_for_now each_check_fails{{.move = true}};
    std::string message;
    std::size_t right = 0, before = 0, after = 0;
    const growstack::stack_options options{.max_bytes = std::size_t{256} << 10, .escape_bytes = std::size_t{64} << 10};
    test::run<test::contiguous>(
        [&] {
            before = escape_bytes_now();
            // Endless: more than max_bytes of links.
            message = test::message_of<growstack::stack_overflow>([] { descend(5000, [] {}); });
            after = escape_bytes_now();
            right = descend(99, [] {});
        },
        options);
    CHECK_MESSAGE(test::contains(message, "stack_options::escape_bytes"), message);
    CHECK(after == before);
    CHECK(right == 100);
}

namespace {

// Frames that do not fit: one ends in the guard, and all of the other lies far below.
[[gnu::noinline]] void take_much() {
    volatile char large[60000];
    large[test::number(0)] = 'x';
    test::opaque(large);
}
[[gnu::noinline]] void take_absurdly_much() {
    auto* const large = static_cast<volatile char*>(alloca(static_cast<std::size_t>(test::number(1L << 46))));
    large[0] = 'x';
    test::opaque(large);
}

// More than the piece by 400 KiB.
[[gnu::noinline]] void take_more_than_8_mib() {
    volatile char large[(8 << 20) + (400 << 10)];
    large[test::number(0)] = 'x';
    test::opaque(large);
}

void check_message(const test::child_end& end, void (*function)()) {
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "growstack: overflow of the escape stack"), end.error_text);
    CHECK_MESSAGE(test::contains(end.error_text, "stack_options::escape_bytes"), end.error_text);
    Dl_info program{};
    REQUIRE(dladdr(reinterpret_cast<void*>(function), &program));
    const std::size_t plus = end.error_text.find('+');
    REQUIRE(plus != std::string::npos);
    const auto place = std::strtoul(end.error_text.c_str() + plus + 1, nullptr, 16);
    const auto begin = reinterpret_cast<std::uintptr_t>(function) - reinterpret_cast<std::uintptr_t>(program.dli_fbase);
    CHECK_MESSAGE((place >= begin && place < begin + 200), end.error_text);
}

} // namespace

TEST_CASE("a frame that does not fit on the escape stack ends the program: the message names option and place") {
    if (!is_safe_build) {
        MESSAGE("skipped: in an ordinary build there is none to overflow");
        return;
    }
    const auto in_guard = test::run_in_child([] {
        const growstack::stack_options options{.escape_bytes = std::size_t{32} << 10};
        growstack::coroutine<growstack::fixed_stack>{take_much, options}.resume();
    });
    check_message(in_guard, take_much);
    const auto far_below = test::run_in_child([] { growstack::coroutine<>{take_absurdly_much}.resume(); });
    check_message(far_below, take_absurdly_much);
}

TEST_CASE("large escape stacks beyond those whose guards are mappings have a guard, too") {
    if (!is_safe_build) {
        MESSAGE("skipped: in an ordinary build there is none to overflow");
        return;
    }
    const auto in_guard = test::run_in_child([] {
        constexpr std::size_t all = 20000; // 8,192 mapped ones, and those that earlier tests have left free
        std::vector<growstack::coroutine<growstack::fixed_stack>> others;
        for (std::size_t i = 0; i < all; ++i)
            others.emplace_back([] {}, growstack::stack_options{.initial_bytes = 4096});
        growstack::coroutine<growstack::fixed_stack>{take_more_than_8_mib}.resume();
    });
    check_message(in_guard, take_more_than_8_mib);
}

TEST_CASE_TEMPLATE("after a deep recursion has returned, the next one finds its pieces again", Kind,
                   GROWSTACK_EACH_GROWING_KIND) {
    std::size_t right = 0;
    const std::size_t all = levels(5000); // 1 MiB
    test::run<Kind>(
        [&] {
            descend(100, [&] { // in the first piece
                for (int i = 0; i < 3; ++i) right += descend(all - 1, [] {});
            });
            for (int i = 0; i < 3; ++i) right += descend(all - 1, [] {});
        },
        with_escape_bytes<Kind>(std::size_t{64} << 10));
    CHECK(right == 6 * all);
}

TEST_CASE_TEMPLATE("resume and yield leave each thread and coroutine its own escape pointer", Kind,
                   GROWSTACK_EACH_KIND) {
    const std::uintptr_t own = escape_pointer();
    std::vector<test::coroutine<Kind>> all;
    int right = 0;
    for (int i = 0; i < 10; ++i)
        all.emplace_back(
            [&right] {
                for (int round = 0; round < 3; ++round) {
                    const std::uintptr_t before = escape_pointer();
                    right += descend(20, [] { this_coroutine::yield(); }) == 21;
                    right += escape_pointer() == before;
                }
            },
            Kind::options);
    bool is_own = true;
    for (int round = 0; round < 4; ++round)
        for (auto& c : all) {
            c.resume();
            is_own = is_own && escape_pointer() == own;
        }
    CHECK(is_own);
    CHECK(right == 10 * 3 * 2);
}

TEST_CASE_TEMPLATE("coroutines in coroutines have escape stacks of their own", Kind, GROWSTACK_EACH_KIND) {
    std::size_t right = 0;
    test::run<Kind>([&right] {
        int local = 0;
        test::coroutine<Kind> inner{[&] {
                                        descend(10, [&] {
                                            ++local;
                                            this_coroutine::yield();
                                            ++local;
                                        });
                                    },
                                    Kind::options};
        const std::uintptr_t before = escape_pointer();
        inner.resume();
        right += descend(30, [&] { inner.resume(); });
        right += local == 2 && escape_pointer() == before && inner.done();
    });
    CHECK(right == 31 + 1);
}

TEST_CASE_TEMPLATE("native() runs on the thread's escape stack, and an exception comes back out of it", Kind,
                   GROWSTACK_EACH_KIND) {
    const std::uintptr_t threads = escape_pointer();
    std::uintptr_t before = 0, inside = 0, after = 0, after_throw = 0;
    std::size_t right = 0;
    std::string message;
    test::run<Kind>([&] {
        before = escape_pointer();
        growstack::native([&] {
            inside = escape_pointer();
            right = descend(1000, [] {});
        });
        after = escape_pointer();
        message = test::message_of<std::runtime_error>(
            [] { growstack::native([] { throw std::runtime_error("from native"); }); });
        after_throw = escape_pointer();
    });
    CHECK(right == 1001);
    CHECK(after == before);
    CHECK(after_throw == before);
    CHECK(message == "from native");
    constexpr std::size_t near_bytes = std::size_t{64} << 10;
    CHECK(inside <= threads);
    CHECK(threads - inside < near_bytes);
    CHECK((before != inside) == is_safe_build);
    CHECK(escape_pointer() == threads);
}

namespace {

std::uintptr_t hook_ran_at;
std::size_t hook_calls;

// Has a local of its own that escapes.
void hook_with_a_local(const growstack::trace_event& event) {
    std::array<growstack::trace_event, 100> events;
    test::opaque(events.data());
    events.fill(event);
    test::opaque(events.data());
    hook_ran_at = escape_pointer();
    hook_calls += events.back().kind == event.kind;
}

} // namespace

TEST_CASE_TEMPLATE("a trace hook of a safe build runs on the thread's escape stack", Kind,
                   GROWSTACK_EACH_GROWING_KIND) {
    const std::uintptr_t threads = escape_pointer();
    hook_calls = 0;
    std::size_t right = 0;
    {
        const trace_for_now traced{hook_with_a_local};
        test::run<Kind>([&] { right = descend(levels(2000), [] {}); }, with_escape_bytes<Kind>(std::size_t{64} << 10));
    }
    CHECK(right == levels(2000) + 1);
    CHECK(hook_calls > 0);
    CHECK(threads - hook_ran_at < std::size_t{64} << 10);
    CHECK(escape_pointer() == threads);
}

namespace {

// Says if a destructor finds its object where it was constructed.
struct knows_its_place {
    explicit knows_its_place(int& right) : right_{right} {}
    ~knows_its_place() {
        test::use_stack(3000);
        right_ += place_.get() == this;
    }
    knows_its_place(const knows_its_place&) = delete;
    knows_its_place& operator=(const knows_its_place&) = delete;

private:
    int& right_;
    hidden_address place_{this};
};

[[gnu::noinline]] void pass_places(std::size_t levels, int& right, void (*f)()) {
    std::optional<knows_its_place> here;
    if (is_safe_build) here.emplace(right);
    else ++right;
    test::opaque(&here);
    if (levels) pass_places(levels - 1, right, f);
    else f();
    test::opaque(&here);
}

} // namespace

TEST_CASE_TEMPLATE("an exception takes the escape stack back to where it is caught", Kind, GROWSTACK_EACH_KIND) {
    int right = 0, caught = 0;
    bool is_even = true;
    test::run<Kind>([&] {
        for (int i = 0; i < 50; ++i) {
            const std::uintptr_t before = escape_pointer();
            try {
                pass_places(30, right, [] { throw 1; });
            } catch (int one) {
                caught += one;
            }
            is_even = is_even && escape_pointer() == before;
        }
    });
    CHECK(caught == 50);
    CHECK(right == 50 * 31);
    CHECK(is_even);
}

TEST_CASE_TEMPLATE("a coroutine that is destroyed in the middle unwinds its escape stack", Kind, GROWSTACK_EACH_KIND) {
    const std::uintptr_t threads = escape_pointer();
    int right = 0;
    for (int i = 0; i < 20; ++i) {
        test::coroutine<Kind> c{[&right] { pass_places(30, right, [] { this_coroutine::yield(); }); }, Kind::options};
        c.resume();
    }
    CHECK(right == 20 * 31);
    CHECK(escape_pointer() == threads);
}

TEST_CASE_TEMPLATE("longjmp out of the middle takes the escape stack back", Kind, GROWSTACK_EACH_KIND) {
    volatile int jumps = 0;
    volatile bool is_even = true;
    test::run<Kind>([&] {
        while (jumps < 50) {
            const volatile std::uintptr_t before = escape_pointer();
            std::jmp_buf env;
            if (setjmp(env) == 0) descend(100, [&env] { std::longjmp(env, 1); });
            jumps = jumps + 1;
            is_even = is_even && escape_pointer() == before;
        }
    });
    CHECK(jumps == 50);
    CHECK(is_even);
}

TEST_CASE("a jmp_buf on an escape stack does not pin, also in an older piece of it") {
    std::size_t moves = 0;
    volatile std::size_t right = 0;
    test::run<test::contiguous>(
        [&] {
            std::jmp_buf env;
            struct out {
                std::jmp_buf& env;
                std::size_t& moves;
            } out{env, moves};
            if (setjmp(env) == 0)
                descend(levels(2000), [&out] {
                    out.moves = this_coroutine::stats().moves;
                    std::longjmp(out.env, 1);
                });
            right = descend(99, [] {});
        },
        with_escape_bytes<test::contiguous>(std::size_t{64} << 10));
    if (!growstack::stress().link) CHECK(moves > 0);
    CHECK(right == 100);
}

TEST_CASE_TEMPLATE("coroutines take their escape stack from thread to thread", Kind, GROWSTACK_EACH_KIND) {
    std::vector<test::coroutine<Kind>> all;
    std::vector<std::size_t> right(10);
    for (std::size_t& r : right)
        all.emplace_back(
            [&r] {
                r = descend(10, [] {
                    for (int i = 0; i < 10; ++i) descend(20, [] { this_coroutine::yield(); });
                });
            },
            Kind::options);
    bool is_own = true;
    for (int round = 0; round < 11; ++round)
        std::thread{[&] {
            const std::uintptr_t own = escape_pointer();
            for (auto& c : all) {
                c.resume();
                is_own = is_own && escape_pointer() == own;
            }
        }}.join();
    CHECK(is_own);
    CHECK(right == std::vector<std::size_t>(10, 11));
}

namespace {

#if defined(__clang__)
#define GROWSTACK_UNCHECKED [[gnu::no_split_stack]]
#else
#define GROWSTACK_UNCHECKED
#endif

// Keeps a list of arguments while the stack grows: it points to where the function has put its registers.
GROWSTACK_UNCHECKED double sum_over_growth(int count, ...) {
    va_list arguments;
    va_start(arguments, count);
    double sum = 0;
    for (int i = 0; i < count; ++i) {
        test::use_stack(static_cast<std::size_t>(test::number(10000)) << i);
        sum += static_cast<double>(va_arg(arguments, long));
        sum += va_arg(arguments, double);
    }
    va_end(arguments);
    return sum;
}

} // namespace

TEST_CASE_TEMPLATE("a va_list is right when the stack has moved", Kind, GROWSTACK_EACH_GROWING_KIND) {
    double sum = 0;
    const auto stats = test::run<Kind>(
        [&sum] { sum = sum_over_growth(6, 1L, .5, 2L, .25, 3L, .125, 4L, 1.0, 5L, 2.0, 6L, 4.0); });
    CHECK(sum == 21 + 7.875);
    CHECK(stats.moves + stats.chunks_linked > 0);
}
