// Lists of variable arguments. A `va_list` points to where the arguments lie: on the stack of the function that got
// them.
#include "idioms.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

// Clang can make no check in a function with variable arguments.
#ifdef __clang__
#define VARIADIC __attribute__((no_split_stack))
#else
#define VARIADIC
#endif

namespace {

/// Sums `n` numbers, and lets the stack grow before each.
[[gnu::noinline]] long sum_of(int n, va_list& list) {
    long sum = 0;
    for (int i = 0; i < n; ++i) {
        grow();
        sum += va_arg(list, long);
    }
    return sum;
}

[[gnu::noinline]] VARIADIC long sum(int n, ...) {
    va_list list;
    va_start(list, n);
    const long result = sum_of(n, list);
    va_end(list);
    return result;
}

[[gnu::noinline]] double half_of_next(va_list& list) {
    grow();
    return va_arg(list, double) / 2;
}

[[gnu::noinline]] VARIADIC double half_of(int ignored, ...) {
    va_list list;
    va_start(list, ignored);
    const double result = half_of_next(list);
    va_end(list);
    return result;
}

[[gnu::noinline]] int format_after_growth(char* to, std::size_t size, const char* format, va_list& list) {
    grow();
    return std::vsnprintf(to, size, format, list);
}

[[gnu::noinline, gnu::format(printf, 3, 4)]] VARIADIC int format(char* to, std::size_t size, const char* format, ...) {
    va_list list;
    va_start(list, format);
    const int result = format_after_growth(to, size, format, list);
    va_end(list);
    return result;
}

[[gnu::noinline]] bool write_after_growth(va_list& list) {
    int* const to = va_arg(list, int*);
    grow();
    *to = va_arg(list, int);
    return true;
}

[[gnu::noinline]] VARIADIC bool scan(int ignored, ...) {
    va_list list;
    va_start(list, ignored);
    const bool result = write_after_growth(list);
    va_end(list);
    return result;
}

struct arguments {
    va_list list;
};

[[gnu::noinline]] long sum_in_heap(int n, va_list& list) {
    auto kept = std::make_unique<arguments>();
    va_copy(kept->list, list);
    show(kept.get());
    const long result = sum_of(n, kept->list);
    va_end(kept->list);
    return result;
}

[[gnu::noinline]] VARIADIC long sum_by_copy_in_heap(int n, ...) {
    va_list list;
    va_start(list, n);
    const long result = sum_in_heap(n, list);
    va_end(list);
    return result;
}

} // namespace

IDIOM(arguments_in_registers, variadic,
      "a callee takes arguments that came in registers, out of a `va_list` of its caller") {
    return sum(3, 1L, 2L, 3L) == 6;
}

IDIOM(arguments_in_memory, variadic,
      "a callee takes arguments that came by the stack, out of a `va_list` of its caller") {
    return sum(10, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L) == 55;
}

IDIOM(floating_point_argument, variadic, "a callee takes a `double` out of a `va_list` of its caller") {
    return half_of(0, 5.0) == 2.5;
}

IDIOM(own_printf, variadic, "a formatting function of the program's own, which grows the stack first") {
    char local[64];
    format(local, sizeof local, "%d %s %.1f", 12, "abc", 1.5);
    return std::strcmp(local, "12 abc 1.5") == 0;
}

IDIOM(own_scanf, variadic, "an argument is the address of a local, which a callee writes to after growth") {
    int local = 0;
    return scan(0, &local, 42) && local == 42;
}

IDIOM(list_in_heap, variadic, "a copy of a `va_list` lies in the heap, and points to its function's arguments") {
    return sum_by_copy_in_heap(10, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L) == 55;
}
