// Variadic functions of this build's compiler. GCC gives them a check. Clang cannot: packaging/llvm takes it off, and
// they run in what is left of the stack and in the growth room, as other code without checks.
#include "../support.hpp"
#include "variadic_in_c.h"

#include <cstdarg>
#include <string>

namespace {

using test::number;

#ifdef NO_PLUGIN
#define UNCHECKED [[gnu::no_split_stack]]
#else
#define UNCHECKED
#endif

// Adds what `kinds` says (l long, d double), each with its place as weight, and uses stack between.
UNCHECKED double add(const char* kinds, ...) {
    va_list arguments;
    va_start(arguments, kinds);
    double total = 0;
    for (int weight = 1; *kinds; ++kinds, ++weight) {
        test::use_stack(2000);
        total += weight * (*kinds == 'd' ? va_arg(arguments, double) : static_cast<double>(va_arg(arguments, long)));
    }
    va_end(arguments);
    return total;
}

bool doubles_and_longs_arrive() {
    const long n = number(1);
    const auto d = static_cast<double>(n);
    return add("dldldldldldldldldldldldl", d, 2 * n, 3 * d, 4 * n, 5 * d, 6 * n, 7 * d, 8 * n, 9 * d, 10 * n, 11 * d,
               12 * n, 13 * d, 14 * n, 15 * d, 16 * n, 17 * d, 18 * n, 19 * d, 20 * n, 21 * d, 22 * n, 23 * d,
               24 * n) == 4900;
}

bool c_finds_them() {
    const auto d = static_cast<double>(number(1));
    char text[200];
    format_in_c(text, sizeof text, "%g %s %g %g %g %d %g %g %g %g %g %Lg", d, "b", 3 * d, 4 * d, 5 * d, 6, 7 * d, 8 * d,
                9 * d, 10 * d, 11 * d, 12.0L);
    return std::string{text} == "1 b 3 4 5 6 7 8 9 10 11 12";
}

bool std_to_string_finds_its_argument() {
    const auto d = static_cast<double>(number(3));
    return std::to_string(d / 2) == "1.500000" && std::to_wstring(static_cast<long double>(d)) == L"3.000000";
}

// Runs it at the end of a deep recursion. Returns whether it is right, and the stack has grown if it can.
template <class Kind>
bool is_right_deep(bool (*is_right)()) {
    bool right = false;
    const auto stats = test::run<Kind>([&] { test::at_depth(test::depth(4000), [&] { right = is_right(); }); });
    return right && (stats.moves + stats.chunks_linked > 0 || !test::can_grow<Kind>);
}

// Runs it deep, and at each distance from the limit, each time in a new coroutine, as its stack may be twice as large
// afterwards. Not where a stack cannot grow: it might overflow in a noexcept function of the library.
template <class Kind>
void check_everywhere(bool (*is_right)()) {
    std::size_t tries = 0, right = 0;
    const auto try_with = [&](std::size_t room) {
        ++tries;
        test::run<Kind>([&] { test::with_room(room, [&] { right += is_right(); }); });
    };
    if (test::can_grow<Kind>) test::for_each_room(try_with, 4096);
    CHECK(right == tries);
    CHECK(is_right_deep<Kind>(is_right));
}

} // namespace

TEST_CASE_TEMPLATE("a variadic function deep in a coroutine finds doubles and longs", Kind, GROWSTACK_EACH_KIND) {
    check_everywhere<Kind>(doubles_and_longs_arrive);
}

TEST_CASE_TEMPLATE("a variadic function of C deep in a coroutine finds its arguments", Kind, GROWSTACK_EACH_KIND) {
    check_everywhere<Kind>(c_finds_them);
}

TEST_CASE_TEMPLATE("std::to_string(double) is right deep in a coroutine", Kind, GROWSTACK_EACH_KIND) {
    // An overflow in a noexcept function of libstdc++ ends the program, as each exception does there.
    if (test::can_grow<Kind>) check_everywhere<Kind>(std_to_string_finds_its_argument);
    else CHECK(is_right_deep<Kind>(std_to_string_finds_its_argument));
}
