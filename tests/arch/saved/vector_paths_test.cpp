// Whatever a check's failure leads to, arguments and results in vector and x87 registers arrive: each kind of them, on
// every way that growth can go. What growth calls outside destroys all these registers, as it may: the hooks here, and
// in the clobbered programs (clobber.py) every other function, too.
#include "../../support.hpp"

#include "../abi_callees.hpp"
#include "../vectors.hpp"

#include <alloca.h>

#include <complex>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

extern "C" void test_destroy_vectors(); // destroy_vectors.S

namespace this_coroutine = growstack::this_coroutine;

namespace {

using test::number;
constexpr std::size_t frame_bytes = callee::page_frame;

double real(long n) { return static_cast<double>(number(n)); }

// Kinds of arguments and results: each function makes a call of one that needs room, and says if all was right.

bool floats() {
    const auto n = static_cast<float>(real(1));
    vectors::prepare_call();
    return callee::many_floats<frame_bytes>(n, 2, 3, 4, 5, 6, 7, 8, 9 * n) == 285;
}
bool doubles() {
    const double n = real(1);
    vectors::prepare_call();
    return callee::many_doubles<frame_bytes>(n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 * n) == 506;
}
bool mixed() {
    const double n = real(1);
    vectors::prepare_call();
    return callee::mixed<frame_bytes>(1, 2 * n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, true, 16, 17, 18, 19, 20,
                                      21 * n) == 3311 - 15 * 14;
}
bool structs() {
    const double n = real(1);
    vectors::prepare_call();
    return callee::structs<frame_bytes>({1, 2}, {3 * n, 4}, {5 * n, 6 * n}, {}, {7, 8}, {9 * n, 10}, {}) == 385;
}
bool long_double() {
    const long double n = real(1);
    vectors::prepare_call();
    return callee::return_long_double<frame_bytes>(n, 3) == n / 3;
}
bool complex_long_double() {
    const std::complex<long double> given{5 * real(1), 7}, expected{14, 15};
    vectors::prepare_call();
    return callee::return_complex<frame_bytes>(given) == expected;
}
bool complex_double() {
    const std::complex<double> given{5 * real(1), 7}, expected{14, 15};
    vectors::prepare_call();
    return callee::return_complex_double<frame_bytes>(given) == expected;
}

// On a chunk, what these functions have taken is given back between their `return` and their caller.
[[gnu::noinline]] GROWSTACK_ON_NATIVE_STACK double three_times_after_alloca(double a) {
    const test::frame<frame_bytes> here;
    test::opaque(static_cast<char*>(alloca(static_cast<std::size_t>(number(60000)))));
    return 3 * a;
}
[[gnu::noinline]] GROWSTACK_ON_NATIVE_STACK double three_times_after_guard_fault(double a) {
    const test::frame<frame_bytes> here;
    test::call_without_checks(30000, nullptr);
    return 3 * a;
}
bool after_alloca_in_callee() {
    const double n = real(2);
    vectors::prepare_call();
    return three_times_after_alloca(n) == 6;
}
bool after_guard_fault_in_callee() {
    const double n = real(2);
    vectors::prepare_call();
    return three_times_after_guard_fault(n) == 6;
}

bool always() { return true; }
bool has_avx() { return __builtin_cpu_supports("avx"); }
bool has_avx512() { return __builtin_cpu_supports("avx512f"); }

struct value_kind {
    const char* name;
    bool (*arrives)();
    bool (*is_possible)() = always;
};

constexpr value_kind value_kinds[] = {
    {"float", floats},
    {"double", doubles},
    {"numbers of all kinds", mixed},
    {"structs", structs},
    {"long double, returned in st0", long_double},
    {"complex long double, returned in st0 and st1", complex_long_double},
    {"complex double, returned in xmm0 and xmm1", complex_double},
    {"double, of a function with an alloca that does not fit", after_alloca_in_callee},
    {"double, of a function that runs into the guard", after_guard_fault_in_callee},
    {"128-bit vectors", vectors::arrive_128<frame_bytes>},
    {"256-bit vectors", vectors::arrive_256<frame_bytes>, has_avx},
    {"512-bit vectors", vectors::arrive_512<frame_bytes>, has_avx512},
    {"128-bit vectors of pointers", vectors::pointers_arrive_128<frame_bytes>},
    {"256-bit vectors of pointers", vectors::pointers_arrive_256<frame_bytes>, has_avx},
    {"512-bit vectors of pointers", vectors::pointers_arrive_512<frame_bytes>, has_avx512},
};

// One coroutine's calls.
struct attempt {
    const value_kind& values;
    std::size_t room; // below the call
    int calls = 0, right = 0;
    std::size_t moves = 0, links = 0;

    // Here, or with more or less room: at some of these places the check fails.
    void call_here() {
        const growstack::stack_stats before = this_coroutine::stats();
        right += values.arrives();
        ++calls;
        moves += this_coroutine::stats().moves - before.moves;
        links += this_coroutine::stats().chunks_linked - before.chunks_linked;
    }
    void call() {
        test::with_room(room, [this] { call_here(); });
    }
};

// Ways: in a coroutine, each leads to the call.

void plain(attempt& a) { a.call(); }
void pinned(attempt& a) {
    const growstack::pin pin;
    a.call();
}
void with_root(attempt& a) {
    int local = 0;
    const growstack::root<int*> root{&local};
    a.call();
}
void with_dependent(attempt& a) {
    growstack::coroutine<> child{[] { this_coroutine::yield(); }};
    child.resume();
    a.call();
    child.resume();
}
void with_jmp_buf_here(attempt& a) {
    std::jmp_buf env;
    if (setjmp(env) == 0) a.call();
}

std::jmp_buf global_env;

void with_jmp_buf_elsewhere(attempt& a) {
    if (setjmp(global_env) == 0) a.call();
}
[[gnu::noinline]] void set_and_return() {
    if (setjmp(global_env)) std::abort();
}
void with_former_jmp_buf_elsewhere(attempt& a) {
    set_and_return(); // the first failed check finds no frame that pins
    a.call();
}
void in_flight(attempt& a) {
    struct caller {
        attempt& a;
        ~caller() { a.call(); }
    };
    try {
        const caller c{a};
        throw 1;
    } catch (int) {
    }
}
void while_caught(attempt& a) {
    try {
        throw 1;
    } catch (int) {
        a.call();
    }
}
void after_shrink(attempt& a) {
    test::use_stack(100000);
    vectors::before_call = this_coroutine::shrink; // the next check fails, though there is room
    a.call_here();
    vectors::before_call = nullptr;
}
[[gnu::noinline]] GROWSTACK_ON_NATIVE_STACK void after_alloca(attempt& a) {
    test::opaque(static_cast<char*>(alloca(static_cast<std::size_t>(number(20000)))));
    a.call();
}
void after_guard_fault(attempt& a) {
    test::with_room(0, [] { test::call_without_checks(20000, nullptr); });
    a.call();
}
void traced(attempt& a) {
    growstack::set_trace([](const growstack::trace_event&) { test_destroy_vectors(); });
    a.call();
    growstack::set_trace(nullptr);
}
void audited(attempt& a) {
    const auto hook = growstack::set_audit_hook([](const growstack::audit_finding&) { test_destroy_vectors(); });
    const bool was_on = growstack::set_audit(true);
    a.call();
    growstack::set_audit(was_on);
    growstack::set_audit_hook(hook);
}

enum class growth { none, moves, links };

struct way {
    const char* name;
    void (*to_call)(attempt&);
    growth of_contiguous; // what such a stack does there
    growth of_segmented = growth::links;
};

constexpr way ways[] = {
    {"plain", plain, growth::moves},
    {"pin", pinned, growth::links},
    {"root", with_root, growth::moves},
    {"a coroutine that this one has created", with_dependent, growth::moves},
    {"jmp_buf on the stack", with_jmp_buf_here, growth::moves},
    {"jmp_buf elsewhere", with_jmp_buf_elsewhere, growth::links},
    {"jmp_buf elsewhere, whose function has returned", with_former_jmp_buf_elsewhere, growth::moves},
    {"exception in flight", in_flight, growth::links},
    {"exception caught", while_caught, growth::moves},
    {"shrink", after_shrink, growth::moves, growth::none},
    {"alloca that did not fit", after_alloca, growth::moves},
    {"growth room opened", after_guard_fault, growth::moves},
    {"trace hook", traced, growth::moves},
    {"audit", audited, growth::moves},
};

template <class Kind>
void check_way(const way& w, const value_kind& values) {
    const std::string text = std::string{w.name} + ", " + values.name;
    INFO(text);
    growstack::stack_options options = Kind::options;
    options.initial_bytes = 16 * 1024;
    std::size_t moves = 0, links = 0;
    for (std::size_t room = 0; room < 2 * 4096; room += 1024) {
        attempt a{values, room};
        test::run<Kind>([&] { w.to_call(a); }, options);
        CHECK(a.calls == 1);
        CHECK(a.right == 1);
        moves += a.moves;
        links += a.links;
    }
    if (test::is_stressed()) return; // then all that may move moves, or all is linked
    const growth expected = test::can_move<Kind> ? w.of_contiguous : w.of_segmented;
    if (expected == growth::moves) CHECK(moves > 0);
    if (expected == growth::links) CHECK(links > 0);
}

} // namespace

TEST_CASE_TEMPLATE("values in vector and x87 registers arrive on every way that a failed check can go", Kind,
                   GROWSTACK_EACH_GROWING_KIND) {
    for (const value_kind& values : value_kinds) {
        if (!values.is_possible()) {
            std::printf("Skipped: this CPU has no %s.\n", values.name);
            continue;
        }
        for (const way& w : ways) check_way<Kind>(w, values);
    }
}

TEST_CASE_TEMPLATE("they arrive in a coroutine that goes on in a new thread", Kind, GROWSTACK_EACH_GROWING_KIND) {
    for (const value_kind& values : value_kinds) {
        if (!values.is_possible()) continue; // said above
        const std::string text = values.name;
        INFO(text);
        attempt a{values, 0};
        test::coroutine<Kind> c{[&a] {
                                    this_coroutine::yield();
                                    a.call();
                                },
                                Kind::options};
        c.resume();
        std::thread([&c] { c.resume(); }).join();
        CHECK(a.right == 1);
        CHECK(c.done());
    }
}

namespace {

// Results are as they should be if no argument, nor what lives across a call, was lost.
double weigh(float a, double b, long double c, double d, int e, float f) {
    test::use_stack(3000);
    return static_cast<double>(a) + 2 * b + 3 * static_cast<double>(c) + 4 * d + 5 * e + 6 * static_cast<double>(f);
}
long double divide(long double a, double b) {
    test::use_stack(3000);
    return a / static_cast<long double>(b);
}
long double third() { return static_cast<long double>(real(1)) / 3; } // Valgrind computes it with fewer bits

bool arrive_by_call() {
    return growstack::call<6000>(weigh, static_cast<float>(real(1)), real(2), 3.0L, 4.0, 5, 6.0f) == 91 &&
           growstack::call<6000>(divide, 1.0L, real(3)) == third();
}
bool arrive_by_native() {
    return growstack::native(weigh, static_cast<float>(real(1)), real(2), 3.0L, 4.0, 5, 6.0f) == 91 &&
           growstack::native(divide, 1.0L, real(3)) == third();
}
template <class F>
[[gnu::always_inline]] inline bool live_across(F grow) {
    const double a = real(1), b = real(2);
    const auto c = static_cast<float>(real(3));
    const long double d = third();
    grow();
    return a == 1 && b == 2 && c == 3 && d == third();
}
bool live_across_ensure() {
    return live_across([] { this_coroutine::ensure(9000); });
}
bool live_across_alloca() {
    return live_across([]() __attribute__((always_inline)) {
        test::opaque(static_cast<char*>(alloca(static_cast<std::size_t>(number(9000)))));
    });
}

} // namespace

TEST_CASE_TEMPLATE("values arrive through call() and native(), and live across ensure() and an alloca", Kind,
                   GROWSTACK_EACH_GROWING_KIND) {
    int tries = 0, by_call = 0, by_native = 0, across_ensure = 0, across_alloca = 0;
    test::for_each_room([&](std::size_t room) {
        const auto run = [&](bool (*f)(), int& right) {
            test::run<Kind>([&] { test::with_room(room, [&] { right += f(); }); });
        };
        ++tries;
        run(arrive_by_call, by_call);
        run(arrive_by_native, by_native);
        run(live_across_ensure, across_ensure);
        run(live_across_alloca, across_alloca);
    });
    CHECK(by_call == tries);
    CHECK(by_native == tries);
    CHECK(across_ensure == tries);
    CHECK(across_alloca == tries);
}

namespace {

[[gnu::noinline]] double expects_no_exception(double a, double b, double c, double d) noexcept {
    char room[600];
    test::opaque(room);
    return a + 2 * b + 3 * c + 4 * d;
}

// With an exception table, in which the call of the function above does not stand: no other follows it.
[[gnu::noinline]] bool doubles_arrive_where_no_exception_is_expected(double n) {
    try {
        test::opaque(nullptr);
    } catch (int) {
        return false;
    }
    return expects_no_exception(n, 2 * n, 3 * n, 4 * n) == 30;
}

} // namespace

TEST_CASE("doubles arrive in a function that is called while an overflow waits, for nobody expects an exception") {
    int called = 0, right = 0;
    for (std::size_t room = 0; room < 2048; room += 64) {
        const auto body = [&] {
            test::with_room(room, [&] {
                const bool is_right = doubles_arrive_where_no_exception_is_expected(real(1));
                ++called;
                right += is_right;
            });
        };
        try {
            test::run<test::fixed>(body);
        } catch (const growstack::stack_overflow&) { // afterwards
        }
    }
    CHECK(called > 16);
    CHECK(right == called);
}
