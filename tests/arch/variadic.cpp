// The definitions for variadic.hpp, in the namespace VARIADIC_NAMESPACE.
#include "variadic.hpp"

#include "../support.hpp"

#include <cstddef>

namespace VARIADIC_NAMESPACE {
namespace {

long sum(int count, va_list arguments) {
    long total = 0;
    for (int i = 1; i <= count; ++i) {
        test::use_stack(static_cast<std::size_t>(i) * 100);
        total += i * va_arg(arguments, long);
    }
    return total;
}

} // namespace

#ifdef NO_PLUGIN
#pragma clang attribute push(__attribute__((no_split_stack)), apply_to = function)
#endif

long sum_longs(int count, ...) {
    va_list arguments;
    va_start(arguments, count);
    long total = 0;
    for (int i = 1; i <= count; ++i) total += i * va_arg(arguments, long);
    va_end(arguments);
    return total;
}

double sum_doubles(int count, ...) {
    va_list arguments;
    va_start(arguments, count);
    double total = 0;
    for (int i = 1; i <= count; ++i) {
        test::use_stack(500);
        total += i * va_arg(arguments, double);
    }
    va_end(arguments);
    return total;
}

long after_seven(long a, long b, long c, long d, long e, long f, long g, int count, ...) {
    va_list arguments;
    va_start(arguments, count);
    volatile char frame[600];
    frame[0] = 0;
    test::opaque(frame);
    const long total = sum(count, arguments);
    va_end(arguments);
    return total + a + b + c + d + e + f + g;
}

double mixed_kinds(const char* kinds, ...) {
    va_list arguments;
    va_start(arguments, kinds);
    double total = 0;
    for (int weight = 1; *kinds; ++kinds, ++weight) {
        test::use_stack(300);
        switch (*kinds) {
            case 'l': total += weight * static_cast<double>(va_arg(arguments, long)); break;
            case 'd': total += weight * va_arg(arguments, double); break;
            case 'p': total += weight * static_cast<double>(*va_arg(arguments, long*)); break;
            case 'L': total += weight * static_cast<double>(va_arg(arguments, long double)); break;
        }
    }
    va_end(arguments);
    return total;
}

long through_va_list(int count, ...) {
    va_list arguments, copy;
    va_start(arguments, count);
    va_copy(copy, arguments);
    test::use_stack(4000);
    const long total = sum(count, arguments) + 1000 * sum(count, copy);
    va_end(copy);
    va_end(arguments);
    return total;
}

long recursive(int levels, ...) {
    va_list arguments;
    va_start(arguments, levels);
    const long below = levels ? recursive(levels - 1, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L) : 0;
    const long mine = sum(9, arguments);
    va_end(arguments);
    return mine == 285 && below >= 0 ? below + 1 : -1;
}

#ifdef NO_PLUGIN
#pragma clang attribute pop
#endif

} // namespace VARIADIC_NAMESPACE
