// native(), ensure(): other ways to get stack for code without checks.
#include "support.hpp"

#include <stdexcept>
#include <string>
#include <thread>

namespace {

using growstack::native;
namespace this_coroutine = growstack::this_coroutine;

bool is_on_a_coroutines_stack() {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const auto* running = growstack::grow::this_thread().running;
    return running && running->policy() && running->innermost().contains(here);
}

int use_a_mebibyte() {
    volatile char bytes[1 << 20];
    for (std::size_t i = 0; i < sizeof bytes; i += 512) bytes[i] = 1;
    return bytes[512];
}

} // namespace

TEST_CASE_TEMPLATE("native code runs on the thread's stack", Kind, GROWSTACK_EACH_SMALLEST_KIND) {
    const auto after = test::run<Kind>([] {
        CHECK(is_on_a_coroutines_stack());
        CHECK(native(use_a_mebibyte) == 1);
        native([] { CHECK(!is_on_a_coroutines_stack()); });
        CHECK(is_on_a_coroutines_stack());
        std::string text = "a string that is too long for the small-string optimisation";
        CHECK(&native([&]() -> std::string& { return text; }) == &text);
        CHECK(native([](std::string s) { return s + "!"; }, text) == text + "!");
    });
    CHECK(after.peak_stack_bytes <= growstack::stack_options{}.initial_bytes + (std::size_t{64} << 20));
}

TEST_CASE_TEMPLATE("exceptions leave native code", Kind, GROWSTACK_EACH_SMALLEST_KIND) {
    test::run<Kind>([] {
        for (int i = 0; i < 3; ++i) {
            std::string caught;
            try {
                native([] { throw std::runtime_error("from native"); });
            } catch (const std::exception& e) {
                caught = e.what();
                CHECK(native([] { return is_on_a_coroutines_stack(); }) == false);
            }
            CHECK(caught == "from native");
        }
        CHECK(!std::current_exception());
    });
}

TEST_CASE_TEMPLATE("native code creates, resumes and destroys coroutines that call native code", Kind,
                   GROWSTACK_EACH_SMALLEST_KIND) {
    test::run<Kind>([] {
        const int sum = native([] {
            int result = 0;
            test::coroutine<Kind> inner{[&] {
                                            for (int i = 1; i <= 3; ++i) {
                                                result += native([&] { return use_a_mebibyte() * i; });
                                                this_coroutine::yield();
                                            }
                                        },
                                        Kind::options};
            test::coroutine<Kind> left{[] { this_coroutine::yield(); }, Kind::options};
            left.resume();
            while (!inner.done()) inner.resume();
            return result;
        });
        CHECK(sum == 6);
        this_coroutine::yield(); // the root is what it was
        CHECK(native(use_a_mebibyte) == 1);
    });
}

TEST_CASE("a stack that moves while a coroutine that it created waits for native code is followed there") {
    test::run<test::smallest_contiguous>([] {
        int local = 1;
        int* const at = &local;
        bool was_followed = false;
        // `mover` runs inside native() of `watcher`, which points into mover's stack.
        test::coroutine<test::smallest_contiguous>* mover_handle = nullptr;
        std::unique_ptr<test::coroutine<test::smallest_contiguous>> watcher;
        test::coroutine<test::smallest_contiguous> mover{
            [&] {
                volatile long value = 42;
                watcher = std::make_unique<test::coroutine<test::smallest_contiguous>>(
                    [&, given = &value] {
                        volatile long* seen = given;
                        volatile long** volatile at_seen = &seen; // in this frame, not in the captures
                        native([&] { mover_handle->resume(); });
                        was_followed = *at_seen == &value && **at_seen == 42;
                    },
                    test::smallest_contiguous::options);
                this_coroutine::yield();
                const auto before = this_coroutine::stats().moves;
                this_coroutine::ensure(200'000);
                CHECK(this_coroutine::stats().moves > before);
                this_coroutine::yield();
                CHECK(value == 42);
            },
            test::smallest_contiguous::options};
        mover_handle = &mover;
        mover.resume();
        watcher->resume();
        CHECK(was_followed);
        mover.resume();
        watcher.reset();
        CHECK(at == &local);
    });
}

TEST_CASE("native code may not yield, and the coroutine around it cannot be resumed") {
    test::run<test::smallest_contiguous>([] {
        std::string caught;
        try {
            native([] { this_coroutine::yield(); });
        } catch (const growstack::usage_error& e) {
            caught = e.what();
        }
        CHECK(caught.find("inside growstack::native") != std::string::npos);
    });
    test::coroutine<test::smallest_contiguous>* self = nullptr;
    test::coroutine<test::smallest_contiguous> c{
        [&] { CHECK_THROWS_AS(native([&] { self->resume(); }), growstack::usage_error); }};
    self = &c;
    c.resume();
    CHECK(c.done());
}

TEST_CASE("outside coroutines and inside itself native() is a call") {
    CHECK(native([] { return 3; }) == 3);
    test::run<test::smallest_contiguous>([] { CHECK(native([] { return native(use_a_mebibyte); }) == 1); });
}

TEST_CASE("native code runs on whatever thread resumes") {
    test::coroutine<test::smallest_contiguous> c{[] {
        for (int i = 0; i < 4; ++i) {
            const auto id = std::this_thread::get_id();
            CHECK(native([] { return std::this_thread::get_id(); }) == id);
            this_coroutine::yield();
        }
    }};
    for (int i = 0; i < 4; ++i) std::thread{[&] { c.resume(); }}.join();
    c.resume();
    CHECK(c.done());
}

TEST_CASE("ensure() moves a contiguous stack once, at that place") {
    test::run<test::smallest_contiguous>([] {
        this_coroutine::ensure(100'000);
        const auto before = this_coroutine::stats();
        CHECK(before.moves == 1);
        this_coroutine::ensure(50'000);
        test::use_stack(test::fitting(90'000));
        CHECK(this_coroutine::stats().moves == 1);
        CHECK(this_coroutine::stats().guard_faults == before.guard_faults);
    });
}

TEST_CASE("ensure() leaves a segmented stack a kept chunk") {
    const auto body = [] {
        this_coroutine::ensure(100'000);
        const auto bytes = this_coroutine::stats().stack_bytes;
        CHECK(bytes >= 100'000);
        CHECK(growstack::call<80'000>([] { return this_coroutine::stats().stack_bytes; }) == bytes);
    };
    test::run<test::smallest_segmented>(
        body, {.initial_bytes = 4 * test::page, .chunk_bytes = test::page}); // enough for the body
}

TEST_CASE_TEMPLATE("ensure() of more than there can be throws stack_overflow", Kind, GROWSTACK_EACH_SMALLEST_KIND) {
    test::run<Kind>([] {
        for (const std::size_t bytes :
             {std::size_t{2} << 30, std::size_t{1} << 44, SIZE_MAX / 2, SIZE_MAX - 100, SIZE_MAX})
            CHECK_THROWS_AS(this_coroutine::ensure(bytes), growstack::stack_overflow);
        this_coroutine::ensure(0);
    });
    this_coroutine::ensure(SIZE_MAX); // outside: nothing
}

// Large stacks have up to 60 KiB of slack between them and their room: checks there are theirs all the same.
TEST_CASE("a check far below a large stack is its own") {
    for (const std::size_t bytes : {64 << 10, 128 << 10, 256 << 10, 512 << 10}) {
        for (std::ptrdiff_t below = 4096; below < (bytes > 128 << 10 ? 116 << 10 : 56 << 10); below += 8192)
            test::run<test::smallest_contiguous>(
                [&] {
                    test::at_offset(-below, [&] {
                        this_coroutine::ensure(1000);
                        CHECK(this_coroutine::stats().moves == 1); // there, or before at the guard
                    });
                },
                {.initial_bytes = bytes});
    }
}

TEST_CASE_TEMPLATE("a coroutine that is destroyed unwinds at each place of its stack", Kind,
                   GROWSTACK_EACH_SMALLEST_KIND) {
    for (std::ptrdiff_t offset = 0; offset < static_cast<std::ptrdiff_t>(test::page) / 2; offset += 64) {
        int destroyed = 0;
        struct counted {
            int& count;
            ~counted() { ++count; }
        };
        {
            test::coroutine<Kind> c{[&] {
                                        test::at_offset(offset, [&] {
                                            const counted local{destroyed};
                                            this_coroutine::yield();
                                        });
                                    },
                                    Kind::options};
            c.resume();
        }
        CHECK(destroyed == 1);
    }
}
