// Variadic functions. GCC compiles them in every build, for Clang cannot give them a check; once plain and once with
// -fcf-protection, which puts an endbr64 where __morestack looks for its mark. Clang's builds have their own, too.
#pragma once

#include <cstdarg>

#define GROWSTACK_VARIADIC_FUNCTIONS                                                                      \
    /* Adds `count` longs, each with its place as weight. */                                              \
    long sum_longs(int count, ...);                                                                       \
    double sum_doubles(int count, ...);                                                                   \
    /* Seven fixed arguments: the seventh and the rest lie on the stack. */                               \
    long after_seven(long a, long b, long c, long d, long e, long f, long g, int count, ...);             \
    /* Reads arguments as `kinds` says (l long, d double, p long*, L long double), uses stack between. */ \
    double mixed_kinds(const char* kinds, ...);                                                           \
    /* Hands its arguments on as a va_list, to a function that uses stack first. */                       \
    long through_va_list(int count, ...);                                                                 \
    /* Calls itself `levels` times with its arguments. */                                                 \
    long recursive(int levels, ...);

namespace variadic_plain {
GROWSTACK_VARIADIC_FUNCTIONS
}
namespace variadic_cet {
GROWSTACK_VARIADIC_FUNCTIONS
}
#ifdef __clang__
namespace variadic_clang {
GROWSTACK_VARIADIC_FUNCTIONS
}
#endif
