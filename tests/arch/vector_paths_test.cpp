// Arguments in vector registers arrive on every way that a failed check can go.
#include "../support.hpp"

#include "../abi_callees.hpp"

#include <csetjmp>

namespace {

using test::number;

bool doubles_arrive() {
    const auto n = static_cast<double>(number(1));
    return callee::many_doubles<callee::page_frame>(n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 * n) == 506;
}

std::jmp_buf global_env;

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

TEST_CASE_TEMPLATE("doubles arrive while a jmp_buf outside the stack pins it", Kind, GROWSTACK_EACH_GROWING_KIND) {
    int right = 0;
    test::run<Kind>([&right] {
        if (setjmp(global_env)) return;
        for (std::size_t room = 0; room < 8192; room += 512)
            test::with_room(room, [&right] { right += doubles_arrive(); });
    });
    CHECK(right == 16);
}

TEST_CASE("doubles arrive in a function that is called while an overflow waits, for nobody expects an exception") {
    int called = 0, right = 0;
    for (std::size_t room = 0; room < 2048; room += 64) {
        const auto body = [&] {
            test::with_room(room, [&] {
                const bool is_right = doubles_arrive_where_no_exception_is_expected(static_cast<double>(number(1)));
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
