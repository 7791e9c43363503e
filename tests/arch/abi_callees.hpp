// Functions that take and return values in every way that the System V ABI knows. Their definitions are compiled apart
// from their callers, by the other compiler in the mixed programs.
//
// Each has a frame of at least `frame_bytes`, so that its check fails at other places and takes the other forms
// (GCC compares sp itself for frames under 256 bytes), and uses some stack before it reads its arguments.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>

namespace callee {

__extension__ typedef __int128 int128;

inline constexpr std::size_t small_frame = 16, page_frame = 5000, huge_frame = 100 * 1024;

struct two_longs {
    long a, b;
};
struct double_and_long {
    double a;
    long b;
};
struct two_doubles {
    double a, b;
};
struct with_long_double {
    long double a;
    long b;
};
struct large {
    long words[40];
};
struct larger {
    long words[300];
};
struct alignas(64) overaligned {
    long words[9];
};
struct with_pointers {
    long* first;
    long** second;
    long* end;
};

// Arguments in registers and on the stack.
template <std::size_t frame_bytes>
long many_longs(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k);
template <std::size_t frame_bytes>
double many_doubles(double a, double b, double c, double d, double e, double f, double g, double h, double i, double j,
                    double k);
template <std::size_t frame_bytes>
float many_floats(float a, float b, float c, float d, float e, float f, float g, float h, float i);
template <std::size_t frame_bytes>
double mixed(long a, double b, char c, float d, short e, long double f, int128 g, double h, long i, long j, long k,
             int128 l, long double m, int n, bool o, double p, double q, double r, double s, float t, double u);
template <std::size_t frame_bytes>
long structs(two_longs a, double_and_long b, two_doubles c, large d, two_longs e, with_long_double f, larger g);
template <std::size_t frame_bytes>
long overaligned_structs(long a, overaligned b, long c, overaligned d);

// Pointers into the caller's frame, in registers, on the stack and in a struct by value.
template <std::size_t frame_bytes>
long pointers(long* a, long** b, long* c, long* d, long* e, long* f, long* g, long** h, with_pointers i);

// Values that come back in each kind of register, and in memory.
template <std::size_t frame_bytes>
int128 return_int128(int128 a, int128 b);
template <std::size_t frame_bytes>
long double return_long_double(long double a, long double b);
template <std::size_t frame_bytes>
std::complex<long double> return_complex(std::complex<long double> a); // st0 and st1
template <std::size_t frame_bytes>
std::complex<double> return_complex_double(std::complex<double> a); // xmm0 and xmm1
template <std::size_t frame_bytes>
two_longs return_two_longs(long a, long b);
template <std::size_t frame_bytes>
double_and_long return_double_and_long(double a, long b);
template <std::size_t frame_bytes>
larger return_larger(long first);
template <std::size_t frame_bytes>
long* return_pointer(long* a);

// Saves and changes every callee-saved register, before and after it used stack.
template <std::size_t frame_bytes>
long callee_saved(long a);

} // namespace callee
