// fib, tak and ack, compiled once for each kind of check: CHECK is the name, PROBE has calls go through
// growstack::call.
#include "check_functions.hpp"

#if PROBE
#include <growstack/call.hpp>
#define CALL(f, ...) growstack::call<256>(f, __VA_ARGS__)
#else
#define CALL(f, ...) f(__VA_ARGS__)
#endif

namespace bench {
namespace {

// Where its code lies makes a small function up to 20 % faster or slower.
#define AT_LAYOUT asm volatile(".if %c0\n\t.nops %c0\n\t.endif" : : "i"(Layout))

template <int Layout>
[[gnu::noinline]] long fib(long n) {
    AT_LAYOUT;
    return n < 2 ? n : CALL(fib<Layout>, n - 1) + CALL(fib<Layout>, n - 2);
}

template <int Layout>
[[gnu::noinline]] long tak(long x, long y, long z) {
    AT_LAYOUT;
    if (y >= x) return z;
    const long a = CALL(tak<Layout>, x - 1, y, z);
    const long b = CALL(tak<Layout>, y - 1, z, x);
    const long c = CALL(tak<Layout>, z - 1, x, y);
    return CALL(tak<Layout>, a, b, c);
}

template <int Layout>
[[gnu::noinline]] long ack(long m, long n) {
    AT_LAYOUT;
    if (m == 0) return n + 1;
    if (n == 0) return CALL(ack<Layout>, m - 1, 1);
    const long inner = CALL(ack<Layout>, m, n - 1);
    return CALL(ack<Layout>, m - 1, inner);
}

template <int Layout>
long run_fib() {
    return fib<Layout>(22);
}
template <int Layout>
long run_tak() {
    return tak<Layout>(18, 12, 6);
}
template <int Layout>
long run_ack() {
    return ack<Layout>(2, 120);
}

} // namespace

// check.cpp counts once more what they return and how often they are called.
template <>
const std::array<checked_function, 3>& functions<kind::CHECK>() {
    static constexpr std::array<checked_function, 3> all{{
        {"fib", 17'711, 57'313, {run_fib<0>, run_fib<3>, run_fib<7>, run_fib<13>}},
        {"tak", 7, 63'609, {run_tak<0>, run_tak<3>, run_tak<7>, run_tak<13>}},
        {"ack", 243, 29'645, {run_ack<0>, run_ack<3>, run_ack<7>, run_ack<13>}},
    }};
    return all;
}

} // namespace bench
