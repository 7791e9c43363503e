// native.hpp: what code with checks sees of it, on every kind of stack. Code without checks:
// tests/check/guard/native_test.cpp.
#include "../support.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace this_coroutine = growstack::this_coroutine;
using growstack::native;

namespace {

struct not_movable {
    explicit not_movable(int n) : value{n}, self{this} {}
    not_movable(not_movable&&) = delete;
    int value;
    not_movable* self;
};

[[gnu::noinline]] void throw_message() {
    volatile char frame[64];
    frame[0] = 1;
    test::opaque(frame);
    throw std::runtime_error("from native code");
}

// Frames without clean-up code, which an exception passes unseen.
[[gnu::noinline]] void throw_below(int levels) {
    volatile char frame[100];
    frame[levels] = 1;
    test::opaque(frame);
    if (levels) throw_below(levels - 1);
    else native(throw_message);
    test::opaque(frame);
}

struct calls_native_when_destroyed {
    int& calls;
    ~calls_native_when_destroyed() {
        native([this] { ++calls; });
    }
};

} // namespace

TEST_CASE_TEMPLATE("native code has the thread's stack, and no limit", Kind, GROWSTACK_EACH_KIND) {
    bool is_on_thread = false, is_limitless = false, has_limit_again = false;
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    test::run<Kind>([&] {
        const std::uintptr_t limit = growstack::detail::read_limit();
        native([&] {
            volatile char there[20'000]; // more than the coroutine's stack
            there[0] = 1;
            test::opaque(there);
            is_on_thread = here - reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) < 100'000;
            is_limitless = growstack::detail::read_limit() == growstack::detail::limit_check_never;
        });
        has_limit_again = growstack::detail::read_limit() == limit;
    });
    CHECK(is_on_thread);
    CHECK(is_limitless);
    CHECK(has_limit_again);
}

TEST_CASE_TEMPLATE("results of native code come back at every remaining stack size", Kind,
                   GROWSTACK_EACH_GROWING_KIND) {
    std::size_t wrong = 0;
    test::for_each_room([&](std::size_t room) {
        test::run<Kind>([&] {
            test::with_room(room, [&] {
                int local = 3;
                const not_movable in_place = native([](int n) { return not_movable{n}; }, 42);
                const std::string text = native([](std::string s) { return s + s; }, std::string(50, 'x'));
                int& same = native([](int& n) -> int& { return n; }, local);
                wrong += in_place.value != 42 || in_place.self != &in_place || text != std::string(100, 'x') ||
                         &same != &local;
            });
        });
    });
    CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("after an exception from native code its way is ordinary stack again", Kind, GROWSTACK_EACH_KIND) {
    std::string message;
    test::run<Kind>([&] {
        for (int i = 0; i < 3; ++i) {
            message = test::message_of<std::runtime_error>([] { throw_below(20); });
            test::use_stack(4000);
        }
    });
    CHECK(message == "from native code");
}

TEST_CASE_TEMPLATE("coroutines that native code resumes grow below it", Kind, GROWSTACK_EACH_KIND) {
    std::size_t levels = 0;
    int thrown = 0;
    test::run<Kind>([&] {
        native([&] {
            test::coroutine<Kind> inner{[&] {
                                            levels = test::at_depth(test::depth(400), [] {});
                                            native([] { test::use_stack(10'000); });
                                            this_coroutine::yield();
                                            throw 7;
                                        },
                                        Kind::options};
            inner.resume();
            try {
                inner.resume();
            } catch (int n) {
                thrown = n;
            }
        });
        test::at_depth(test::depth(400), [] {}); // growth runs where it did before
    });
    CHECK(levels == test::depth(400));
    CHECK(thrown == 7);
}

TEST_CASE_TEMPLATE("destructors of a destroyed coroutine may call native code", Kind, GROWSTACK_EACH_KIND) {
    int calls = 0;
    {
        test::coroutine<Kind> c{[&] {
                                    const calls_native_when_destroyed local{calls};
                                    this_coroutine::yield();
                                },
                                Kind::options};
        c.resume();
    }
    CHECK(calls == 1);
}

TEST_CASE_TEMPLATE("native code is outside of the coroutine: it may not yield, and ensure() does nothing", Kind,
                   GROWSTACK_EACH_KIND) {
    std::string message;
    bool is_inside = true;
    std::size_t before = 0;
    const auto stats = test::run<Kind>([&] {
        native([&] {
            message = test::message_of<growstack::usage_error>([] { this_coroutine::yield(); });
            is_inside = this_coroutine::is_inside();
        });
        before = this_coroutine::stats().stack_bytes;
        native([] { this_coroutine::ensure(std::size_t{1} << 20); });
    });
    CHECK(test::contains(message, "inside growstack::native"));
    CHECK(!is_inside);
    if (!test::is_stressed()) CHECK(stats.stack_bytes == before);
}
