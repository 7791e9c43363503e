// fib, compiled once for each kind of check: CHECK is the name, PROBE a call through growstack::call.
#include "check_fib.hpp"

#if PROBE
#include <growstack/call.hpp>
#define CALL(f, n) growstack::call<256>(f, n)
#else
#define CALL(f, n) f(n)
#endif

namespace bench {
namespace {

// The same function at different places: small functions swing by 20 % with code placement.
template <int Layout>
[[gnu::noinline]] long fib(long n) {
    asm volatile(".if %c0\n\t.nops %c0\n\t.endif" : : "i"(Layout));
    return n < 2 ? n : CALL(fib<Layout>, n - 1) + CALL(fib<Layout>, n - 2);
}

} // namespace

template <>
const fib_layouts& fibs<kind::CHECK>() {
    static constexpr fib_layouts all{fib<0>, fib<3>, fib<7>, fib<13>};
    return all;
}

} // namespace bench
