// AddressSanitizer where code without checks has the stack moved, at whatever instruction: what it marks moves too, its
// reports and growstack's go on, and nothing is reported wrongly. In sanitized builds only.
#include "../../tools/asan.hpp"
#include "support.hpp"

#include <alloca.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using test::check_is_reported, test::is_clean_below, test::moves, test::require;

constexpr std::size_t growing_bytes = 200 * 1024;

int* volatile left_behind;

// Frames with red zones of different kinds, the first touch of which may be the one that faults, or a call from them.
template <std::size_t bytes>
[[gnu::noinline]] bool is_right_among_red_zones() {
    char first[bytes];
    char second[2 * bytes];
    test::opaque(first);
    test::opaque(second);
    for (std::size_t i = 0; i < bytes; ++i) first[i] = second[i] = second[bytes + i] = static_cast<char>(i);
    test::use_stack(3000);
    auto* const space = static_cast<char*>(alloca(static_cast<std::size_t>(test::number(bytes))));
    for (std::size_t i = 0; i < bytes; ++i) space[i] = first[i];
    test::opaque(space);
    return space[bytes - 1] == second[bytes - 1] && first[0] == 0 &&
           second[2 * bytes - 1] == static_cast<char>(bytes - 1);
}

// Marks a byte of a frame that nothing has been written to, as instrumented code may, has the stack move by the frame's
// first touch, and says if the mark is where the byte is then. Calls nothing: a return address would be the first
// touch.
__attribute__((noinline, no_sanitize("address", "undefined"))) bool keeps_a_mark(std::size_t scale,
                                                                                 std::size_t offset) {
    volatile char frame[12000];
    const auto marked = reinterpret_cast<std::uintptr_t>(frame + 6000);
    *reinterpret_cast<volatile unsigned char*>((marked >> scale) + offset) = 0xf1;
    *frame = 1;
    auto* const shadow = reinterpret_cast<volatile unsigned char*>((marked >> scale) + offset);
    const bool has_mark = *shadow == 0xf1;
    *shadow = 0;
    return has_mark;
}

bool keeps_a_mark_in_an_untouched_frame() {
    std::size_t scale, offset;
    __asan_get_shadow_mapping(&scale, &offset);
    const std::size_t before = moves();
    return keeps_a_mark(scale, offset) && moves() == before + 1;
}

} // namespace

TEST_CASE_TEMPLATE("an access beyond an array in a frame that has moved at the guard is reported, by the array's name",
                   Kind, test::smallest_contiguous, test::roomless_contiguous) {
    const auto end = test::run_in_child(
        [] { test::run<Kind>([] { test::write_beyond_an_array_after_a_move(growing_bytes); }); });
    check_is_reported(end, "stack-buffer-overflow");
    CHECK_MESSAGE(test::contains(end.error_text, "'some_array"), end.error_text);
}

TEST_CASE_TEMPLATE("a touch of where a stack was before it moved at the guard is reported", Kind,
                   test::smallest_contiguous, test::roomless_contiguous) {
    check_is_reported(test::run_in_child([] {
                          test::run<Kind>([] {
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

TEST_CASE("an access beyond an array that lies in the growth room is reported, by the array's name") {
    const auto end = test::run_in_child([] {
        test::run<test::smallest_contiguous>([] {
            test::at_offset(-8000, [] {
                int some_array[4] = {};
                test::opaque(some_array);
                require(moves() == 0);
                test::write_to(some_array, 4);
                test::opaque(some_array);
            });
        });
    });
    check_is_reported(end, "stack-buffer-overflow");
    CHECK_MESSAGE(test::contains(end.error_text, "'some_array"), end.error_text);
}

namespace {

// Its frame lies, when it is destroyed, where frames with red zones have been.
struct uses_an_array {
    int& sum;
    [[gnu::noinline]] ~uses_an_array() {
        int numbers[300];
        test::opaque(numbers);
        for (int i = 0; i < 300; ++i) numbers[test::number(i)] = 1;
        sum += numbers[test::number(299)];
    }
};

// Yields at the bottom, below frames that have red zones, and nothing to destroy.
[[gnu::noinline]] void yield_among_red_zones(int levels) {
    char here[50];
    test::opaque(here);
    if (levels) yield_among_red_zones(levels - 1);
    else growstack::this_coroutine::yield();
    test::opaque(here);
}

} // namespace

TEST_CASE_TEMPLATE("a coroutine that is destroyed in the growth room unwinds without a warning, and leaves no marks",
                   Kind, GROWSTACK_EACH_SMALLEST_GROWING_KIND) {
    for (int round = 0; round < 3; ++round) {
        int sum = 0;
        {
            test::coroutine<Kind> c{[&] {
                                        const uses_an_array local{sum};
                                        yield_among_red_zones(50);
                                    },
                                    Kind::options};
            c.resume();
        }
        CHECK(sum == 1);
        bool is_clean = false;
        test::run<Kind>([&] { is_clean = is_clean_below(); });
        CHECK(is_clean);
    }
}

// Again and again on the same memory, of which each run leaves some and takes some.
TEST_CASE_TEMPLATE("frames that have moved at the guard, at any instruction, leave no marks", Kind,
                   test::smallest_contiguous, test::roomless_contiguous) {
    std::size_t runs = 0, right = 0, moved = 0;
    const auto end_of_room = -static_cast<std::ptrdiff_t>(Kind::options.room_bytes);
    test::for_each_offset<Kind>(
        [&] {
            ++runs;
            right += is_right_among_red_zones<7>() && is_right_among_red_zones<100>() &&
                     is_right_among_red_zones<900>() && is_right_among_red_zones<5000>() && is_clean_below();
            moved += moves();
        },
        end_of_room - 128);
    CHECK(right == runs);
    CHECK(moved >= runs);
}

TEST_CASE("a frame's marks move with it, though nothing has been written to it") {
    bool is_right = false;
    test::run<test::roomless_contiguous>([&] {
        test::use_stack(20000);
        test::at_offset(4000, [&] { is_right = keeps_a_mark_in_an_untouched_frame(); });
    });
    CHECK(is_right);
}

TEST_CASE("a growth room is clean where other stacks' memory was before") {
    using growstack::coroutine, growstack::contiguous_stack, growstack::stack_options;
    { // more than one span, so that whole ones are given back
        std::vector<coroutine<contiguous_stack>> large;
        for (int i = 0; i < 200; ++i) {
            large.emplace_back([] { growstack::this_coroutine::yield(); }, stack_options{.initial_bytes = 64 << 10});
            large.back().resume();
        }
    }
    growstack::trim();
    std::vector<coroutine<contiguous_stack>> small;
    std::size_t ended = 0;
    for (int i = 0; i < 400; ++i) {
        small.emplace_back([&] { test::use_stack(30000), growstack::this_coroutine::yield(), ++ended; },
                           stack_options{.initial_bytes = 4096});
        small.back().resume();
    }
    for (auto& c : small) c.resume();
    CHECK(ended == small.size());
}

TEST_CASE("growstack reports an overflow, and AddressSanitizer does not") {
    const auto end = test::run_in_child(
        [] { test::run<test::smallest_fixed>([] { test::use_stack(growing_bytes); }); });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "growstack: stack overflow in coroutine"), end.error_text);
    CHECK_MESSAGE(!test::contains(end.error_text, "AddressSanitizer"), end.error_text);
}

// Run by those below, in programs of their own: AddressSanitizer installs its handlers when a program begins.

TEST_CASE("(child) a stack grows at the guard" * doctest::skip()) {
    const auto stats = test::run<test::smallest_contiguous>([] { test::use_stack(growing_bytes); });
    CHECK(stats.moves > 0);
}

TEST_CASE_TEMPLATE("(child) a write near the null pointer" * doctest::skip(), Kind, test::smallest_contiguous,
                   test::smallest_segmented, test::smallest_fixed) {
    test::run<Kind>([] { *reinterpret_cast<volatile int*>(test::number(64)) = 1; });
}

namespace {

test::child_end run_alone(const char* test_case, const char* options = "") {
    static std::string filter;
    filter = std::string("--test-case=(child) ") + test_case;
    ::setenv("ASAN_OPTIONS", options, 1);
    const auto end = test::run_in_child([] {
        ::dup2(STDERR_FILENO, STDOUT_FILENO);
        ::execl("/proc/self/exe", "guard", "--no-skip", filter.c_str(), nullptr);
    });
    ::unsetenv("ASAN_OPTIONS");
    return end;
}

} // namespace

TEST_CASE("AddressSanitizer reports the faults that are the program's own") {
    for (const char* kind : {"contiguous", "segmented", "fixed"})
        check_is_reported(run_alone((std::string("a write near*") + kind + "*").c_str()),
                          "SEGV on unknown address 0x000000000040");
}

TEST_CASE("stacks grow at the guard whatever AddressSanitizer does with signals, or growstack says why they do not") {
    const auto run = [](const char* options) { return run_alone("a stack grows at the guard", options); };
    for (const char* options : {"", "handle_segv=0", "use_sigaltstack=0", "detect_stack_use_after_return=1"}) {
        const auto end = run(options);
        CHECK_MESSAGE(test::contains(end.error_text, "1 passed, 0 failed"), options, end.error_text);
        CHECK_MESSAGE(!test::contains(end.error_text, "growstack: "), options, end.error_text);
    }
    for (const char* options : {"handle_segv=2", "allow_user_segv_handler=0"}) {
        const auto end = run(options);
        CHECK_MESSAGE(test::contains(end.error_text, "growstack: the handler of SIGSEGV cannot be installed"), options,
                      end.error_text);
    }
}
