// What a program may do wrong, and what it is told: the kind of error, and that the message names what is wrong.
#include "../support.hpp"

#include <alloca.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <new>
#include <optional>
#include <stdexcept>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;
using growstack::stack_overflow;
using growstack::usage_error;

namespace {

std::string hex(const void* id) {
    char text[32];
    std::snprintf(text, sizeof text, "%p", id);
    return text;
}

template <class Kind>
std::string name_of() {
    return Kind::stack::policy().name;
}

// Names the coroutine, its kind of stack and the operation.
template <class Kind>
void check_message(const std::string& message, const void* id, const char* operation, const char* reason) {
    CHECK_MESSAGE(test::contains(message, hex(id)), message);
    CHECK_MESSAGE(test::contains(message, name_of<Kind>()), message);
    CHECK_MESSAGE(test::contains(message, operation), message);
    CHECK_MESSAGE(test::contains(message, reason), message);
}

} // namespace

TEST_CASE_TEMPLATE("resuming a finished coroutine throws usage_error", Kind, GROWSTACK_EACH_KIND) {
    test::coroutine<Kind> c{[] {}, Kind::options};
    c.resume();
    for (int i = 0; i < 2; ++i)
        check_message<Kind>(test::message_of<usage_error>([&] { c.resume(); }), c.id(), "resume()", "dead");
}

TEST_CASE_TEMPLATE("a coroutine that resumes itself gets usage_error and goes on", Kind, GROWSTACK_EACH_KIND) {
    test::coroutine<Kind>* self = nullptr;
    std::string message;
    test::coroutine<Kind> c{[&] { message = test::message_of<usage_error>([&] { self->resume(); }); }, Kind::options};
    self = &c;
    c.resume();
    check_message<Kind>(message, c.id(), "resume()", "running");
    CHECK(c.done());
}

TEST_CASE_TEMPLATE("resuming a normal coroutine throws usage_error", Kind, GROWSTACK_EACH_KIND) {
    test::coroutine<Kind>* outer = nullptr;
    std::string message;
    test::coroutine<Kind> inner{[&] { message = test::message_of<usage_error>([&] { outer->resume(); }); },
                                Kind::options};
    test::coroutine<Kind> c{[&] { inner.resume(); }, Kind::options};
    outer = &c;
    c.resume();
    check_message<Kind>(message, c.id(), "resume()", "normal");
}

TEST_CASE_TEMPLATE("an empty handle says so", Kind, GROWSTACK_EACH_KIND) {
    test::coroutine<Kind> empty;
    CHECK(empty.done());
    CHECK(empty.status() == growstack::coroutine_status::dead);
    CHECK(empty.id() == nullptr);
    CHECK(empty.stats().stack_bytes == 0);
    CHECK(!empty.shrink());
    const std::string message = test::message_of<usage_error>([&] { empty.resume(); });
    CHECK_MESSAGE(test::contains(message, "resume()"), message);
    CHECK_MESSAGE(test::contains(message, "empty"), message);
    test::coroutine<Kind> c{[] {}, Kind::options};
    test::coroutine<Kind> other = std::move(c);
    CHECK(!test::message_of<usage_error>([&] { c.resume(); }).empty());
}

TEST_CASE("yielding outside a coroutine throws usage_error") {
    for (int i = 0; i < 2; ++i) {
        const std::string message = test::message_of<usage_error>([] { this_coroutine::yield(); });
        CHECK_MESSAGE(test::contains(message, "yield()"), message);
        CHECK_MESSAGE(test::contains(message, "outside"), message);
        test::run<test::contiguous>([] {}); // and once the thread has resumed something
    }
    this_coroutine::shrink(); // does nothing
}

namespace {

// Each size that makes no sense is refused, with the field's name and its value.
template <class Kind>
void check_refused(growstack::stack_options options, const char* field, std::size_t value) {
    const std::string message = test::message_of<std::invalid_argument>(
        [&] { test::coroutine<Kind> c([] {}, options); });
    CHECK_MESSAGE(test::contains(message, field), (message + " for " + field + " " + std::to_string(value)));
    CHECK_MESSAGE(test::contains(message, std::to_string(value)), message);
    CHECK(
        !test::message_of<std::invalid_argument>([&] { test::generator<int, Kind> g([](auto&) {}, options); }).empty());
}

template <class Kind>
void check_refused(std::size_t growstack::stack_options::* member, const char* field, std::size_t value) {
    growstack::stack_options options = Kind::options;
    options.*member = value;
    check_refused<Kind>(options, field, value);
}

constexpr std::size_t absurd = SIZE_MAX / 2 + 1;

} // namespace

TEST_CASE_TEMPLATE("sizes that make no sense throw invalid_argument that names the field", Kind, GROWSTACK_EACH_KIND) {
    using growstack::stack_options;
    for (std::size_t bytes : {std::size_t{0}, absurd, SIZE_MAX})
        check_refused<Kind>(&stack_options::initial_bytes, "initial_bytes", bytes);
    for (std::size_t bytes : {std::size_t{1}, std::size_t{1023}, absurd, SIZE_MAX})
        check_refused<Kind>(&stack_options::headroom_bytes, "headroom_bytes", bytes);
    for (std::size_t bytes : {std::size_t{44 * 1024 + 1}, SIZE_MAX})
        check_refused<Kind>(&stack_options::room_bytes, "room_bytes", bytes);
    // As large as the first stack: no frame would fit.
    check_refused<Kind>({.initial_bytes = 16384, .max_bytes = 16384, .headroom_bytes = 16384}, "headroom_bytes", 16384);
    if (test::is_fixed<Kind>) return; // it ignores the other sizes
    for (std::size_t bytes : {std::size_t{0}, absurd, SIZE_MAX})
        check_refused<Kind>(&stack_options::max_bytes, "max_bytes", bytes);
    if (!test::can_grow<Kind>) return;
    check_refused<Kind>(&stack_options::max_bytes, "max_bytes", 4095);
    for (std::size_t bytes : {std::size_t{0}, absurd, SIZE_MAX})
        check_refused<Kind>(&stack_options::chunk_bytes, "chunk_bytes", bytes);
}

TEST_CASE_TEMPLATE("dense sizes that are not safe are refused", Kind, GROWSTACK_EACH_KIND) {
    constexpr auto dense = growstack::stack_layout::dense;
    check_refused<Kind>({.initial_bytes = 1024, .headroom_bytes = 511, .layout = dense}, "headroom_bytes", 511);
    if (test::can_move<Kind>)
        check_refused<Kind>({.initial_bytes = 2048, .max_bytes = 16384, .layout = dense}, "max_bytes", 16384);
    else
        check_refused<Kind>({.initial_bytes = 16384, .max_bytes = 16384, .headroom_bytes = 4096, .layout = dense},
                            "headroom_bytes", 4096);
}

TEST_CASE_TEMPLATE("a refused coroutine's body is destroyed, and nothing else has happened", Kind,
                   GROWSTACK_EACH_KIND) {
    const auto shared = std::make_shared<int>(1);
    CHECK_THROWS_AS(test::coroutine<Kind>([shared] {}, {.initial_bytes = 0}), std::invalid_argument);
    CHECK(shared.use_count() == 1);
    std::string inside;
    test::run<Kind>([&] {
        inside = test::message_of<std::invalid_argument>([] { test::coroutine<Kind> c([] {}, {.headroom_bytes = 1}); });
        test::use_stack(20000);
    });
    CHECK(test::contains(inside, "headroom_bytes"));
}

TEST_CASE_TEMPLATE("more memory than there is throws bad_alloc at creation", Kind, GROWSTACK_EACH_KIND) {
    // Each 8 TiB: the 128 TiB of address space hold fewer than 20.
    const growstack::stack_options options{.initial_bytes = std::size_t{1} << 43, .max_bytes = std::size_t{1} << 44};
    std::vector<test::coroutine<Kind>> all;
    bool is_refused = false;
    for (int i = 0; i < 20 && !is_refused; ++i) {
        try {
            all.emplace_back([] {}, options);
        } catch (const std::bad_alloc&) {
            is_refused = true;
        }
    }
    CHECK(is_refused);
}

TEST_CASE_TEMPLATE("a callable that throws when it is moved leaves nothing behind", Kind, GROWSTACK_EACH_KIND) {
    struct throws_on_move {
        throws_on_move() = default;
        throws_on_move(throws_on_move&&) { throw std::runtime_error("move"); }
        void operator()() {}
    };
    CHECK_THROWS_WITH_AS(test::coroutine<Kind>(throws_on_move{}, Kind::options), "move", std::runtime_error);
    std::string inside;
    test::run<Kind>([&] {
        inside = test::message_of<std::runtime_error>([] { test::coroutine<Kind> c(throws_on_move{}, Kind::options); });
        test::use_stack(20000);
    });
    CHECK(inside == "move");
}

// Overflow.

namespace {

// Sizes in which an overflow comes soon.
template <class Kind>
growstack::stack_options small() {
    growstack::stack_options options = Kind::options;
    options.initial_bytes = test::can_grow<Kind> ? 16 * 1024 : 128 * 1024;
    options.max_bytes = 128 * 1024;
    return options;
}

struct needs_stack {
    int* destroyed;
    ~needs_stack() {
        test::use_stack(1000);
        ++*destroyed;
    }
};

[[gnu::noinline]] long endless(int* destroyed, long depth) {
    const needs_stack here{destroyed};
    volatile char frame[40];
    test::opaque(frame);
    const long below = depth < 1000000 ? endless(destroyed, depth + 1) : 0;
    test::opaque(frame);
    return below + 1;
}

} // namespace

TEST_CASE_TEMPLATE(
    "endless recursion throws stack_overflow at the call, and the coroutine survives it, again and again", Kind,
    GROWSTACK_EACH_KIND) {
    const int rounds = 20;
    int caught = 0, destroyed = 0;
    std::size_t right = 0;
    std::string message;
    test::coroutine<Kind> c{[&] {
                                for (int i = 0; i < rounds; ++i) {
                                    try {
                                        endless(&destroyed, 0);
                                    } catch (const stack_overflow& e) {
                                        ++caught;
                                        message = e.what();
                                    }
                                    // Recursion that fits works as before.
                                    right += test::at_depth(test::is_stressed() ? 3 : test::fitting(300), [] {}) > 0;
                                    this_coroutine::yield();
                                }
                            },
                            small<Kind>()};
    while (!c.done()) c.resume();
    CHECK(caught == rounds);
    CHECK(right == rounds);
    CHECK(destroyed > rounds);
    CHECK_MESSAGE(test::contains(message, hex(c.id())), message);
    CHECK_MESSAGE(test::contains(message, name_of<Kind>()), message);
    CHECK_MESSAGE(test::contains(message, test::is_fixed<Kind> ? "initial_bytes" : "max_bytes"), message);
    CHECK_MESSAGE(test::contains(message, "131072"), message);
}

TEST_CASE_TEMPLATE("an overflow that nobody catches leaves resume, and other coroutines are none the worse", Kind,
                   GROWSTACK_EACH_KIND) {
    const std::size_t deep = test::fitting(test::depth(200));
    int destroyed = 0;
    std::size_t levels = 0;
    test::coroutine<Kind> other{[&] {
                                    this_coroutine::yield();
                                    levels = test::at_depth(deep, [] {});
                                },
                                small<Kind>()};
    other.resume();
    test::coroutine<Kind> c{[&] { endless(&destroyed, 0); }, small<Kind>()};
    CHECK_THROWS_AS(c.resume(), stack_overflow);
    CHECK(c.done());
    other.resume();
    CHECK(levels == deep);
}

TEST_CASE_TEMPLATE("stack_overflow is caught as std::exception and as anything", Kind, GROWSTACK_EACH_KIND) {
    int destroyed = 0;
    int caught = 0;
    test::run<Kind>(
        [&] {
            try {
                endless(&destroyed, 0);
            } catch (const std::exception&) {
                ++caught;
            }
            try {
                endless(&destroyed, 0);
            } catch (...) {
                ++caught;
            }
        },
        small<Kind>());
    CHECK(caught == 2);
}

TEST_CASE_TEMPLATE("an overflow inside a coroutine inside a coroutine is that one's", Kind, GROWSTACK_EACH_KIND) {
    int destroyed = 0;
    bool has_id = false;
    std::size_t levels = 0;
    test::run<Kind>([&] {
        test::coroutine<Kind> inner{[&] { endless(&destroyed, 0); }, small<Kind>()};
        const std::string message = test::message_of<stack_overflow>([&] { inner.resume(); });
        has_id = test::contains(message, hex(inner.id()));
        levels = test::at_depth(test::depth(1000), [] {});
    });
    CHECK(has_id);
    CHECK(levels == test::depth(1000));
}

TEST_CASE_TEMPLATE("an overflow may be caught in the frame just above, where there is hardly any stack", Kind,
                   GROWSTACK_EACH_KIND) {
    // Every frame catches what the one below throws, and tries once more.
    struct stubborn {
        static int run(int levels) {
            volatile char frame[100];
            test::opaque(frame);
            if (levels > 100000) return 0;
            try {
                return run(levels + 1) + 1;
            } catch (const stack_overflow&) {
                return 1;
            }
        }
    };
    int first = 0, second = 0;
    test::run<Kind>(
        [&] {
            first = stubborn::run(0);
            second = stubborn::run(0);
        },
        small<Kind>());
    CHECK(first > (test::is_stressed() ? 2 : 100));
    CHECK(second == first);
}

TEST_CASE_TEMPLATE("a kept stack_overflow object changes nothing", Kind, GROWSTACK_EACH_KIND) {
    int destroyed = 0;
    std::size_t levels = 0;
    int caught = 0;
    test::run<Kind>(
        [&] {
            std::optional<stack_overflow> kept;
            for (int i = 0; i < 3; ++i) {
                try {
                    endless(&destroyed, 0);
                } catch (const stack_overflow& e) {
                    kept = e;
                    ++caught;
                }
            }
            levels = test::at_depth(test::is_stressed() ? 3 : test::fitting(300), [] {});
        },
        small<Kind>());
    CHECK(caught == 3);
    CHECK(levels > 0);
}

TEST_CASE_TEMPLATE("a coroutine may yield in the handler of its overflow", Kind, GROWSTACK_EACH_KIND) {
    int destroyed = 0;
    int handlers = 0;
    test::coroutine<Kind> c{[&] {
                                for (int i = 0; i < 3; ++i) {
                                    try {
                                        endless(&destroyed, 0);
                                    } catch (const stack_overflow&) {
                                        this_coroutine::yield();
                                        ++handlers;
                                    }
                                }
                            },
                            small<Kind>()};
    for (int i = 0; i < 4; ++i) {
        c.resume();
        test::run<Kind>([] { test::use_stack(10000); });
    }
    CHECK(c.done());
    CHECK(handlers == 3);
}

TEST_CASE_TEMPLATE("a coroutine may be destroyed in the handler of its overflow", Kind, GROWSTACK_EACH_KIND) {
    int destroyed = 0;
    {
        test::coroutine<Kind> c{[&] {
                                    const needs_stack outer{&destroyed};
                                    try {
                                        endless(&destroyed, 0);
                                    } catch (const stack_overflow&) {
                                        destroyed = 0;
                                        this_coroutine::yield();
                                    }
                                },
                                small<Kind>()};
        c.resume();
    }
    CHECK(destroyed == 1);
}

namespace {

[[gnu::noinline]] GROWSTACK_ON_NATIVE_STACK void take(std::size_t bytes) {
    test::opaque(alloca(bytes));
    test::use_stack(500);
}

template <std::size_t bytes>
[[gnu::noinline]] GROWSTACK_ON_NATIVE_STACK void take_frame() {
    volatile char frame[bytes];
    frame[0] = 0;
    test::opaque(frame);
}

} // namespace

TEST_CASE_TEMPLATE("an alloca that is too large throws stack_overflow", Kind, GROWSTACK_EACH_KIND) {
    int caught = 0;
    std::string message;
    test::run<Kind>(
        [&] {
            for (std::size_t bytes : {std::size_t{200000}, std::size_t{1} << 32, std::size_t{1} << 46}) {
                try {
                    take(bytes);
                } catch (const stack_overflow& e) {
                    ++caught;
                    message = e.what();
                }
                take(1000);
            }
        },
        small<Kind>());
    CHECK(caught == 3);
    CHECK_MESSAGE(test::contains(message, name_of<Kind>()), message);
    CHECK_MESSAGE(test::contains(message, "70368744177"), message); // 2^46, and a few bytes that compilers add
}

TEST_CASE_TEMPLATE("a frame that is too large throws stack_overflow", Kind, GROWSTACK_EACH_KIND) {
    int caught = 0;
    std::string message;
    test::run<Kind>(
        [&] {
            for (int i = 0; i < 3; ++i) {
                try {
                    take_frame<1000000>();
                } catch (const stack_overflow& e) {
                    ++caught;
                    message = e.what();
                }
                take_frame<5000>();
            }
        },
        small<Kind>());
    CHECK(caught == 3);
    CHECK_MESSAGE(test::contains(message, "a frame of 1000"), message);
}

TEST_CASE_TEMPLATE("a stack is never larger than max_bytes", Kind, GROWSTACK_EACH_GROWING_KIND) {
    int destroyed = 0;
    test::coroutine<Kind> c{[&] {
                                try {
                                    endless(&destroyed, 0);
                                } catch (const stack_overflow&) {
                                }
                                this_coroutine::yield();
                            },
                            small<Kind>()};
    c.resume();
    CHECK(c.stats().stack_bytes <= 128 * 1024);
    CHECK(c.stats().stack_bytes > 0);
}

// Ends that cannot be an exception: in a child process.

TEST_CASE("an exception that escapes a destructor ends in std::terminate, with its message") {
    const auto end = test::run_in_child([] {
        struct throws {
            ~throws() {
                test::at_depth(500, [] { throw std::runtime_error("escaped from a destructor"); });
            }
        };
        test::run<test::contiguous>([] { const throws t; });
    });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "escaped from a destructor"), end.error_text);
    CHECK_MESSAGE(test::contains(end.error_text, "terminate"), end.error_text);
}

TEST_CASE("an exception that escapes a destructor while another is in flight ends in std::terminate") {
    const auto end = test::run_in_child([] {
        struct throws {
            ~throws() noexcept(false) { throw std::runtime_error("second"); }
        };
        test::run<test::segmented>([] {
            try {
                const throws t;
                test::at_depth(500, [] { throw std::logic_error("first"); });
            } catch (...) {
            }
        });
    });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "terminate"), end.error_text);
}

TEST_CASE_TEMPLATE("an overflow below a noexcept function ends with a message, not in silence", Kind,
                   GROWSTACK_EACH_KIND) {
    const auto end = test::run_in_child([] {
        test::run<Kind>(
            []() noexcept {
                int destroyed = 0;
                endless(&destroyed, 0);
            },
            small<Kind>());
    });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "stack overflow"), end.error_text);
    CHECK_MESSAGE(test::contains(end.error_text, name_of<Kind>()), end.error_text);
}

TEST_CASE_TEMPLATE("destroying a coroutine from inside it aborts with a message", Kind, GROWSTACK_EACH_KIND) {
    const auto end = test::run_in_child([] {
        std::optional<test::coroutine<Kind>> c;
        c.emplace([&] { c.reset(); }, Kind::options);
        c->resume();
    });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "destroyed while it runs"), end.error_text);
    CHECK_MESSAGE(test::contains(end.error_text, name_of<Kind>()), end.error_text);
}

TEST_CASE_TEMPLATE("destroying a coroutine from one that it has resumed aborts with a message", Kind,
                   GROWSTACK_EACH_KIND) {
    const auto end = test::run_in_child([] {
        std::optional<test::coroutine<Kind>> outer;
        outer.emplace([&] { test::run<Kind>([&] { outer.reset(); }); }, Kind::options);
        outer->resume();
    });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "destroyed while it runs or waits"), end.error_text);
}

TEST_CASE_TEMPLATE("a destructor that yields while its coroutine is destroyed aborts with a message", Kind,
                   GROWSTACK_EACH_KIND) {
    const auto end = test::run_in_child([] {
        struct yields {
            ~yields() { this_coroutine::yield(); }
        };
        test::coroutine<Kind> c{[] {
                                    const yields y;
                                    this_coroutine::yield();
                                },
                                Kind::options};
        c.resume();
    });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "yield() while its stack is being unwound"), end.error_text);
    CHECK_MESSAGE(test::contains(end.error_text, name_of<Kind>()), end.error_text);
}

TEST_CASE_TEMPLATE("destroying a coroutine that is suspended below a noexcept function ends with a message", Kind,
                   GROWSTACK_EACH_KIND) {
    const auto end = test::run_in_child([] {
        test::coroutine<Kind> c{[] { []() noexcept { this_coroutine::yield(); }(); }, Kind::options};
        c.resume();
    });
    // Either it unwinds, or it says why it cannot.
    if (end.signal) {
        CHECK(end.signal == SIGABRT);
        CHECK_MESSAGE(!end.error_text.empty(), end.error_text);
    }
}

TEST_CASE("an unknown word in GROWSTACK_STRESS is reported and the rest is heeded") {
    // Read before main: so a program of its own.
    std::FILE* pipe = ::popen("GROWSTACK_STRESS=poison,mvoe,, /proc/$PPID/exe --list-test-suites 2>&1", "r");
    REQUIRE(pipe);
    std::string text;
    for (char buffer[256]; std::fgets(buffer, sizeof buffer, pipe);) text += buffer;
    ::pclose(pipe);
    CHECK_MESSAGE(test::contains(text, "GROWSTACK_STRESS"), text);
    CHECK_MESSAGE(test::contains(text, "'mvoe'"), text);
}
