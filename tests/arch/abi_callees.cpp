// The definitions for abi_callees.hpp.
#include "abi_callees.hpp"

#include "../stack_use.hpp"

// Their frames must need growth.
GROWSTACK_ALL_ON_NATIVE_STACK

namespace callee {

using test::frame;

template <std::size_t frame_bytes>
long many_longs(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k) {
    const frame<frame_bytes> here;
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k;
}

template <std::size_t frame_bytes>
double many_doubles(double a, double b, double c, double d, double e, double f, double g, double h, double i, double j,
                    double k) {
    const frame<frame_bytes> here;
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k;
}

template <std::size_t frame_bytes>
float many_floats(float a, float b, float c, float d, float e, float f, float g, float h, float i) {
    const frame<frame_bytes> here;
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i;
}

template <std::size_t frame_bytes>
double mixed(long a, double b, char c, float d, short e, long double f, int128 g, double h, long i, long j, long k,
             int128 l, long double m, int n, bool o, double p, double q, double r, double s, float t, double u) {
    const frame<frame_bytes> here;
    return static_cast<double>(a) + 2 * b + 3 * c + 4 * static_cast<double>(d) + 5 * e + 6 * static_cast<double>(f) +
           7 * static_cast<double>(g) + 8 * h + 9 * static_cast<double>(i) + 10 * static_cast<double>(j) +
           11 * static_cast<double>(k) + 12 * static_cast<double>(l) + 13 * static_cast<double>(m) + 14 * n + 15 * o +
           16 * p + 17 * q + 18 * r + 19 * s + 20 * static_cast<double>(t) + 21 * u;
}

namespace {

template <class Struct>
long sum(const Struct& s) {
    long total = 0;
    for (long word : s.words) total = total * 3 + word;
    return total;
}

} // namespace

template <std::size_t frame_bytes>
long structs(two_longs a, double_and_long b, two_doubles c, large d, two_longs e, with_long_double f, larger g) {
    const frame<frame_bytes> here;
    return a.a + 2 * a.b + static_cast<long>(3 * b.a) + 4 * b.b + static_cast<long>(5 * c.a + 6 * c.b) + sum(d) +
           7 * e.a + 8 * e.b + static_cast<long>(9 * f.a) + 10 * f.b + sum(g);
}

template <std::size_t frame_bytes>
long overaligned_structs(long a, overaligned b, long c, overaligned d) {
    const frame<frame_bytes> here;
    return a + sum(b) + c + 2 * sum(d);
}

template <std::size_t frame_bytes>
long pointers(long* a, long** b, long* c, long* d, long* e, long* f, long* g, long** h, with_pointers i) {
    const frame<frame_bytes> here;
    ++*a, ++**b, ++*c, ++*d, ++*e, ++*f, ++*g, ++**h;
    return *a + 2 * **b + 3 * *c + 4 * *d + 5 * *e + 6 * *f + 7 * *g + 8 * **h + 9 * *i.first + 10 * **i.second +
           11 * i.end[-1];
}

template <std::size_t frame_bytes>
int128 return_int128(int128 a, int128 b) {
    const frame<frame_bytes> here;
    return a * 3 + b;
}

template <std::size_t frame_bytes>
long double return_long_double(long double a, long double b) {
    const frame<frame_bytes> here;
    return a / b;
}

template <std::size_t frame_bytes>
std::complex<long double> return_complex(std::complex<long double> a) {
    const frame<frame_bytes> here;
    return {a.imag() * 2, a.real() * 3};
}

template <std::size_t frame_bytes>
std::complex<double> return_complex_double(std::complex<double> a) {
    const frame<frame_bytes> here;
    return {a.imag() * 2, a.real() * 3};
}

template <std::size_t frame_bytes>
two_longs return_two_longs(long a, long b) {
    const frame<frame_bytes> here;
    return {b + 1, a + 2};
}

template <std::size_t frame_bytes>
double_and_long return_double_and_long(double a, long b) {
    const frame<frame_bytes> here;
    return {a * 2, b * 3};
}

template <std::size_t frame_bytes>
larger return_larger(long first) {
    const frame<frame_bytes> here;
    larger result{};
    for (long& word : result.words) word = first++;
    test::use_stack(300);
    return result;
}

template <std::size_t frame_bytes>
long* return_pointer(long* a) {
    const frame<frame_bytes> here;
    return a + 1;
}

template <std::size_t frame_bytes>
long callee_saved(long a) {
    const frame<frame_bytes> here;
    asm volatile("" : : : "rbx", "r12", "r13", "r14", "r15");
    test::use_stack(100);
    return a + 1;
}

// Instances.
#define GROWSTACK_INSTANCES(N)                                                                                        \
    template long many_longs<N>(long, long, long, long, long, long, long, long, long, long, long);                    \
    template double many_doubles<N>(double, double, double, double, double, double, double, double, double, double,   \
                                    double);                                                                          \
    template float many_floats<N>(float, float, float, float, float, float, float, float, float);                     \
    template double mixed<N>(long, double, char, float, short, long double, int128, double, long, long, long, int128, \
                             long double, int, bool, double, double, double, double, float, double);                  \
    template long structs<N>(two_longs, double_and_long, two_doubles, large, two_longs, with_long_double, larger);    \
    template long overaligned_structs<N>(long, overaligned, long, overaligned);                                       \
    template long pointers<N>(long*, long**, long*, long*, long*, long*, long*, long**, with_pointers);               \
    template int128 return_int128<N>(int128, int128);                                                                 \
    template long double return_long_double<N>(long double, long double);                                             \
    template std::complex<long double> return_complex<N>(std::complex<long double>);                                  \
    template std::complex<double> return_complex_double<N>(std::complex<double>);                                     \
    template two_longs return_two_longs<N>(long, long);                                                               \
    template double_and_long return_double_and_long<N>(double, long);                                                 \
    template larger return_larger<N>(long);                                                                           \
    template long* return_pointer<N>(long*);                                                                          \
    template long callee_saved<N>(long);

GROWSTACK_INSTANCES(small_frame)
GROWSTACK_INSTANCES(page_frame)
GROWSTACK_INSTANCES(huge_frame)

} // namespace callee

GROWSTACK_AS_BUILT
