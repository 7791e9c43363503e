// __morestack against the System V ABI: whatever way arguments and results travel, they arrive, wherever the check
// fails.
#include "../support.hpp"
#include "abi_callees.hpp"
#include "variadic.hpp"
#include "vectors.hpp"

#include <alloca.h>

#include <cstdio>
#include <cstring>

namespace {

using callee::int128;

// Runs `is_right` in a new coroutine at each distance from the limit. A stack that cannot grow may overflow instead.
template <class Kind>
void check_at_each_room(bool (*is_right)(), std::size_t last = 2 * 4096) {
    growstack::stack_options options = Kind::options;
    options.initial_bytes = 16 * 1024;
    std::size_t tries = 0, right = 0, overflows = 0, grown = 0;
    test::for_each_room(
        [&](std::size_t room) {
            ++tries;
            try {
                const auto stats = test::run<Kind>([&] { test::with_room(room, [&] { right += is_right(); }); },
                                                   options);
                grown += stats.moves + stats.chunks_linked > 0;
            } catch (const growstack::stack_overflow&) {
                ++overflows;
            }
        },
        last);
    CHECK(right == tries - overflows);
    if (test::can_grow<Kind>) {
        CHECK(overflows == 0);
        CHECK(grown > 0);
    } else {
        CHECK(grown == 0);
    }
}

using test::number;

template <std::size_t frame_bytes>
bool longs_arrive() {
    return callee::many_longs<frame_bytes>(number(1), 2, 3, 4, 5, 6, 7, 8, 9, 10, number(11)) == 506;
}

template <std::size_t frame_bytes>
bool doubles_arrive() {
    const auto n = static_cast<double>(number(1));
    return callee::many_doubles<frame_bytes>(n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 * n) == 506;
}

template <std::size_t frame_bytes>
bool mixed_arrive() {
    const auto n = static_cast<double>(number(1));
    return callee::mixed<frame_bytes>(number(1), 2 * n, 3, 4, 5, 6, 7, 8, number(9), 10, 11, 12, 13, 14, true, 16, 17,
                                      18, 19, 20, 21 * n) == 3311 - 15 * 14;
}

template <std::size_t frame_bytes>
bool structs_arrive() {
    callee::large l;
    callee::larger r;
    long large_sum = 0, larger_sum = 0, n = 1;
    // The callee's checksum, unsigned arithmetic not needed: small words at the end only.
    for (long& word : l.words) word = 0;
    for (long& word : r.words) word = 0;
    l.words[0] = 0;
    for (int i = 20; i < 40; ++i) l.words[i] = n++;
    for (int i = 280; i < 300; ++i) r.words[i] = n++;
    for (long word : l.words) large_sum = large_sum * 3 + word;
    for (long word : r.words) larger_sum = larger_sum * 3 + word;
    const long expected = 1 + 4 + 9 + 16 + 25 + 36 + large_sum + 49 + 64 + 81 + 100 + larger_sum;
    return callee::structs<frame_bytes>({1, number(2)}, {3, 4}, {5, 6}, l, {7, 8}, {9, number(10)}, r) == expected;
}

template <std::size_t frame_bytes>
bool overaligned_arrive() {
    const callee::overaligned a{{1, 2, 3, 4, 5, 6, 7, 8, number(9)}};
    const callee::overaligned b{{9, 8, 7, 6, 5, 4, 3, 2, number(1)}};
    long sum_a = 0, sum_b = 0;
    for (long word : a.words) sum_a = sum_a * 3 + word;
    for (long word : b.words) sum_b = sum_b * 3 + word;
    return callee::overaligned_structs<frame_bytes>(100, a, 1000, b) == 1100 + sum_a + 2 * sum_b;
}

[[gnu::noinline]] bool is_aligned(callee::overaligned a) {
    return number(reinterpret_cast<long>(&a)) % 64 == 0 && a.words[8] == 9;
}

// The caller counts on its sp being aligned, whether the alloca has lowered it or did not fit. A multiple of 64 bytes:
// after others Clang itself passes such structs misaligned.
[[gnu::noinline]] GROWSTACK_ON_NATIVE_STACK bool overaligned_arrives_after_an_alloca() {
    test::opaque(static_cast<char*>(alloca(static_cast<std::size_t>(number(6016)))));
    return is_aligned({{1, 2, 3, 4, 5, 6, 7, 8, number(9)}});
}

template <std::size_t frame_bytes>
bool pointers_arrive() {
    long words[11] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    long* p1 = words + 1;
    long* p7 = words + 7;
    long* p9 = words + 9;
    const long sum = callee::pointers<frame_bytes>(words, &p1, words + 2, words + 3, words + 4, words + 5, words + 6,
                                                   &p7, {words + 8, &p9, words + 11});
    long expected = 0;
    for (long i = 0; i < 8; ++i) expected += (i + 1) * (i + 1);
    expected += 9 * 8 + 10 * 9 + 11 * 10;
    return sum == expected && words[0] == 1 && words[7] == 8 && words[8] == 8 && p1 == words + 1;
}

template <std::size_t frame_bytes>
bool int128_returns() {
    const int128 big = static_cast<int128>(number(1)) << 100;
    return callee::return_int128<frame_bytes>(big, -1) == 3 * big - 1;
}

template <std::size_t frame_bytes>
bool long_double_returns() {
    const auto one = static_cast<long double>(number(1));
    return callee::return_long_double<frame_bytes>(one, 3) == one / 3;
}

template <std::size_t frame_bytes>
bool complex_returns() {
    const auto one = static_cast<double>(number(1));
    const auto c = callee::return_complex<frame_bytes>({5 * one, 7});
    const auto d = callee::return_complex_double<frame_bytes>({5 * one, 7});
    return c.real() == 14 && c.imag() == 15 && d.real() == 14 && d.imag() == 15;
}

template <std::size_t frame_bytes>
bool small_structs_return() {
    const auto a = callee::return_two_longs<frame_bytes>(number(1), 10);
    const auto b = callee::return_double_and_long<frame_bytes>(1.5, number(7));
    return a.a == 11 && a.b == 3 && b.a == 3 && b.b == 21;
}

template <std::size_t frame_bytes>
bool large_structs_return() {
    const auto a = callee::return_larger<frame_bytes>(number(5));
    return a.words[0] == 5 && a.words[299] == 304;
}

template <std::size_t frame_bytes>
bool pointers_return() {
    long words[2] = {number(1), number(2)};
    long* second = callee::return_pointer<frame_bytes>(words);
    return second == words + 1 && *second == 2;
}

template <std::size_t frame_bytes>
bool callee_saved_registers_stay() {
    long a = number(1), b = number(2), c = number(3), d = number(4), e = number(5);
    long* pa = &a;
    test::opaque(pa);
    long sum = 0;
    for (int i = 0; i < 3; ++i) sum += callee::callee_saved<frame_bytes>(b) + c + d + e + *pa;
    return sum == 3 * (3 + 3 + 4 + 5 + 1);
}

bool has_cpu(const char* feature, bool is_supported) {
    if (!is_supported)
        std::printf("Skipped: this CPU has no %s, so vectors of that width cannot be arguments.\n", feature);
    return is_supported;
}

} // namespace

// Every distance for the small frames, whose checks compare sp itself; a page in two for the others.
#define GROWSTACK_ABI_TEST(name, is_right)                            \
    TEST_CASE_TEMPLATE(name, Kind, GROWSTACK_EACH_KIND) {             \
        check_at_each_room<Kind>(is_right<callee::small_frame>);      \
        check_at_each_room<Kind>(is_right<callee::page_frame>);       \
        check_at_each_room<Kind>(is_right<callee::huge_frame>, 1024); \
    }

GROWSTACK_ABI_TEST("integer arguments arrive in registers and on the stack", longs_arrive)
GROWSTACK_ABI_TEST("floating-point arguments arrive in registers and on the stack", doubles_arrive)
GROWSTACK_ABI_TEST("arguments of mixed kinds and sizes arrive", mixed_arrive)
GROWSTACK_ABI_TEST("structs by value arrive, in registers and in kilobytes on the stack", structs_arrive)
GROWSTACK_ABI_TEST("over-aligned structs by value arrive", overaligned_arrive)
GROWSTACK_ABI_TEST("pointers into the caller's frame arrive as such", pointers_arrive)
GROWSTACK_ABI_TEST("128-bit integers return", int128_returns)
GROWSTACK_ABI_TEST("long doubles return", long_double_returns)
GROWSTACK_ABI_TEST("complex numbers return in two registers of a kind", complex_returns)
GROWSTACK_ABI_TEST("small structs return in registers", small_structs_return)
GROWSTACK_ABI_TEST("large structs return in the caller's memory", large_structs_return)
GROWSTACK_ABI_TEST("a returned pointer into the caller's frame points there", pointers_return)
GROWSTACK_ABI_TEST("callee-saved registers keep their values", callee_saved_registers_stay)
GROWSTACK_ABI_TEST("128-bit vectors arrive and return", vectors::arrive_128)
GROWSTACK_ABI_TEST("128-bit vectors of pointers into the stack follow it", vectors::pointers_arrive_128)

TEST_CASE_TEMPLATE("an over-aligned struct by value is aligned after an alloca that did not fit", Kind,
                   GROWSTACK_EACH_KIND) {
    check_at_each_room<Kind>(overaligned_arrives_after_an_alloca);
}

#define GROWSTACK_VECTOR_TEST(name, feature, is_right)                  \
    TEST_CASE_TEMPLATE(name, Kind, GROWSTACK_EACH_KIND) {               \
        if (!has_cpu(feature, __builtin_cpu_supports(feature))) return; \
        check_at_each_room<Kind>(is_right<callee::small_frame>);        \
        check_at_each_room<Kind>(is_right<callee::page_frame>);         \
        check_at_each_room<Kind>(is_right<callee::huge_frame>, 1024);   \
    }

GROWSTACK_VECTOR_TEST("256-bit vectors arrive and return", "avx", vectors::arrive_256)
GROWSTACK_VECTOR_TEST("256-bit vectors of pointers into the stack follow it", "avx", vectors::pointers_arrive_256)
GROWSTACK_VECTOR_TEST("512-bit vectors arrive and return", "avx512f", vectors::arrive_512)
GROWSTACK_VECTOR_TEST("512-bit vectors of pointers into the stack follow it", "avx512f", vectors::pointers_arrive_512)

#define GROWSTACK_VARIADIC_CHECKS(ns)                                                                                 \
    bool few_##ns() { return ns::sum_longs(3, number(1), 2L, 3L) == 14; }                                             \
    bool many_##ns() {                                                                                                \
        return ns::sum_longs(12, number(1), 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L, 11L, number(12)) == 650;             \
    }                                                                                                                 \
    bool doubles_##ns() {                                                                                             \
        const auto n = static_cast<double>(number(1));                                                                \
        return ns::sum_doubles(11, n, 2., 3., 4., 5., 6., 7., 8., 9., 10., 11 * n) == 506;                            \
    }                                                                                                                 \
    bool after_seven_##ns() { return ns::after_seven(1, 2, 3, 4, 5, 6, 7, 4, number(1), 2L, 3L, number(4)) == 58; }   \
    bool kinds_##ns() {                                                                                               \
        long local = number(7);                                                                                       \
        return ns::mixed_kinds("lpdLplpdplLdpp", 1L, &local, 3., 4.L, &local, 6L, &local, 8., &local, 10L, 11.L, 12., \
                               &local,                                                                                \
                               &local) == 1 + 9 + 16 + 36 + 64 + 100 + 121 + 144 + 7 * (2 + 5 + 7 + 9 + 13 + 14);     \
    }                                                                                                                 \
    bool va_list_##ns() {                                                                                             \
        return ns::through_va_list(9, number(1), 2L, 3L, 4L, 5L, 6L, 7L, 8L, number(9)) == 285 * 1001;                \
    }                                                                                                                 \
    bool recursive_##ns() { return ns::recursive(20, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L) == 21; }

namespace {
GROWSTACK_VARIADIC_CHECKS(variadic_plain)
GROWSTACK_VARIADIC_CHECKS(variadic_cet)
#ifdef __clang__
GROWSTACK_VARIADIC_CHECKS(variadic_clang)
#define GROWSTACK_IF_CLANG(statement) statement
#else
#define GROWSTACK_IF_CLANG(statement)
#endif
} // namespace

#define GROWSTACK_VARIADIC_TEST(name, is_right)                                 \
    TEST_CASE_TEMPLATE(name, Kind, GROWSTACK_EACH_KIND) {                       \
        check_at_each_room<Kind>(is_right##variadic_plain);                     \
        check_at_each_room<Kind>(is_right##variadic_cet);                       \
        GROWSTACK_IF_CLANG(check_at_each_room<Kind>(is_right##variadic_clang);) \
    }

GROWSTACK_VARIADIC_TEST("a variadic function finds its arguments in registers", few_)
GROWSTACK_VARIADIC_TEST("a variadic function finds its arguments on the stack", many_)
GROWSTACK_VARIADIC_TEST("a variadic function finds its doubles", doubles_)
GROWSTACK_VARIADIC_TEST("a variadic function finds what lies on the stack behind fixed arguments", after_seven_)
GROWSTACK_VARIADIC_TEST("a variadic function finds arguments of mixed kinds, pointers into the stack among them",
                        kinds_)
GROWSTACK_VARIADIC_TEST("a va_list stays good while the stack grows", va_list_)
GROWSTACK_VARIADIC_TEST("variadic functions recurse", recursive_)
