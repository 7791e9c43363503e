// AddressSanitizer on stacks that move: what it marks moves too, and what is left behind is marked. In sanitized builds
// only.
#include "asan.hpp"

#include <alloca.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace this_coroutine = growstack::this_coroutine;

namespace {

using test::check_is_reported, test::is_clean_below, test::moves, test::require, test::write_to;

constexpr std::size_t growing_bytes = 100 * 1024;

// Frames with red zones of different kinds, which grow in the middle of their life.
template <std::size_t bytes>
[[gnu::noinline]] std::size_t grow_among_locals(std::size_t more_bytes) {
    char first[bytes];
    char second[2 * bytes];
    test::opaque(first);
    test::opaque(second);
    test::use_stack(more_bytes);
    test::opaque(first);
    first[static_cast<std::size_t>(test::number(bytes - 1))] = 1;
    second[static_cast<std::size_t>(test::number(0))] = 2;
    return static_cast<std::size_t>(first[bytes - 1] + second[0]);
}

// A loop in which a compiler may keep a shadow's address over the calls.
[[gnu::noinline]] long grow_in_a_loop(long rounds) {
    long values[3] = {1, 2, 3};
    long sum = 0;
    for (long i = 0; i < rounds; ++i) {
        test::opaque(values);
        sum += values[test::number(i % 3)];
        test::use_stack(static_cast<std::size_t>(i) * 20000);
        values[i % 3] += i;
    }
    return sum + values[0];
}

[[gnu::noinline]] void throw_among_locals(int levels) {
    char here[50];
    test::opaque(here);
    if (!levels) throw std::runtime_error("from below");
    throw_among_locals(levels - 1);
    test::opaque(here);
}

int* volatile left_behind;

} // namespace

TEST_CASE("an access beyond an array in a frame that has moved is reported, by the array's name") {
    const auto end = test::run_in_child([] {
        growstack::set_stress({});
        test::run<test::contiguous>([] { test::write_beyond_an_array_after_a_move(growing_bytes); });
    });
    check_is_reported(end, "stack-buffer-overflow");
    CHECK_MESSAGE(test::contains(end.error_text, "'some_array"), end.error_text);
}

TEST_CASE("an access beyond an array is reported after a move by the handle's shrink()") {
    check_is_reported(test::run_in_child([] {
                          growstack::set_stress({});
                          test::coroutine<test::contiguous> c{[] {
                              test::use_stack(growing_bytes);
                              int array[4] = {};
                              test::opaque(array);
                              this_coroutine::yield();
                              write_to(array, -1);
                              test::opaque(array);
                          }};
                          c.resume();
                          require(c.shrink());
                          c.resume();
                      }),
                      "stack-buffer-"); // overflow, where another local lies before it
}

TEST_CASE("an access beyond an alloca that did not fit on the stack is reported") {
    check_is_reported(test::run_in_child([] {
                          test::run<test::contiguous>([] {
                              const auto bytes = static_cast<std::size_t>(test::number(growing_bytes));
                              auto* const space = static_cast<char*>(alloca(bytes));
                              test::opaque(space);
                              space[bytes] = 1;
                              test::opaque(space);
                          });
                      }),
                      "dynamic-stack-buffer-overflow");
}

TEST_CASE("frames that have moved leave no marks when they return") {
    int clean = 0;
    std::size_t sum = 0;
    test::run<test::contiguous>([&] {
        for (const std::size_t more : {20000, 50000, 100000, 400000}) {
            for (const std::size_t bytes : {test::depth(more), test::depth(2 * more)})
                sum += grow_among_locals<7>(bytes) + grow_among_locals<100>(bytes) + grow_among_locals<900>(bytes);
            clean += is_clean_below();
        }
        sum += static_cast<std::size_t>(grow_in_a_loop(8) > 0);
        clean += is_clean_below();
    });
    CHECK(sum == 4 * 2 * 3 * 3 + 1);
    CHECK(clean == 5);
}

TEST_CASE("frames that have moved down again leave no marks when they return") {
    bool is_clean = false;
    test::coroutine<test::contiguous> c{[&] {
        [&] {
            char here[77];
            test::opaque(here);
            test::use_stack(growing_bytes);
            this_coroutine::yield();
            test::opaque(here);
            here[76] = 1;
        }();
        is_clean = is_clean_below();
    }};
    c.resume();
    while (c.shrink()) {
    }
    c.resume();
    CHECK(is_clean);
}

TEST_CASE_TEMPLATE("frames that an exception leaves, thrown after growth, leave no marks", Kind, GROWSTACK_EACH_KIND) {
    bool is_clean = false;
    test::run<Kind>([&] {
        for (int levels : {1, 10, 60, 200}) {
            try {
                throw_among_locals(levels);
            } catch (const std::runtime_error&) {
            }
        }
        is_clean = is_clean_below();
    });
    CHECK(is_clean);
}

TEST_CASE_TEMPLATE("an overflow is thrown without a warning, and its frames leave no marks", Kind,
                   GROWSTACK_EACH_KIND) {
    static bool is_clean;
    const auto end = test::run_in_child([] {
        struct endless {
            static long run(long levels) {
                char here[50];
                test::opaque(here);
                return levels ? run(levels - 1) + here[0] : 0;
            }
        };
        growstack::stack_options options = Kind::options;
        options.max_bytes = options.initial_bytes = 256 * 1024;
        test::run<Kind>(
            [] {
                try {
                    endless::run(1000000);
                } catch (const growstack::stack_overflow&) {
                    is_clean = is_clean_below();
                }
            },
            options);
        require(is_clean);
    });
    CHECK(end.exit_code == 0);
    CHECK_MESSAGE(end.error_text.empty(), end.error_text);
}

TEST_CASE("a touch of where a stack was before it moved is reported") {
    check_is_reported(test::run_in_child([] {
                          growstack::set_stress({});
                          test::run<test::contiguous>([] {
                              int local = 1;
                              left_behind = &local;
                              const std::size_t before = moves();
                              test::use_stack(growing_bytes);
                              require(moves() > before);
                              *left_behind = 2;
                          });
                      }),
                      "use-after-poison");
}

TEST_CASE_TEMPLATE("a touch of a local of a coroutine that has ended is reported", Kind, GROWSTACK_EACH_KIND) {
    check_is_reported(test::run_in_child([] {
                          growstack::set_stress({});
                          test::run<Kind>([] {
                              int local = 1;
                              left_behind = &local;
                              test::opaque(&local);
                          });
                          *left_behind = 2;
                      }),
                      "use-after-poison");
}

TEST_CASE("a chunk that has been unlinked and freed is watched") {
    check_is_reported(test::run_in_child([] {
                          growstack::set_stress({.link = true});
                          test::run<test::segmented_eager>([] {
                              test::at_depth(1, [] {
                                  int local = 1;
                                  left_behind = &local;
                                  test::opaque(&local);
                              });
                              *left_behind = 2;
                          });
                      }),
                      "use-after-poison");
}

// Run by the next one, in a program of its own.
TEST_CASE("a contiguous stack moves whatever the options say" * doctest::skip()) {
    bool is_on_stack = false;
    std::string local = "short";
    const auto stats = test::run<test::contiguous>([&] {
        test::at_depth(100, [&] { local += "er"; });
        test::use_stack(growing_bytes);
        is_on_stack = !__asan_get_current_fake_stack();
    });
    CHECK(is_on_stack);
    CHECK(stats.moves > 0);
    CHECK(local == "shorter");
}

TEST_CASE("locals lie on the stack, which moves, though detect_stack_use_after_return asks for another place") {
    const auto end = test::run_in_child([] {
        ::setenv("ASAN_OPTIONS", "detect_stack_use_after_return=1", 1);
        ::unsetenv("GROWSTACK_STRESS");
        ::dup2(STDERR_FILENO, STDOUT_FILENO);
        ::execl("/proc/self/exe", "tests", "--no-skip", "--test-case=a contiguous stack moves whatever*", nullptr);
    });
    CHECK(end.exit_code == 0);
    CHECK_MESSAGE(test::contains(end.error_text, "1 passed, 0 failed"), end.error_text);
}
