// See vectors.hpp. No header but that one: an inline function compiled here could become the program's only copy.
#include "vectors.hpp"

#define GUARD_JOIN(a, b) a##b
#define GUARD_SPACE(bits) GUARD_JOIN(vectors_, bits)

namespace guard::GUARD_SPACE(VECTOR_BITS) {

namespace {

constexpr int count = 400;

[[gnu::noinline]] long follow(long* const* pointers) {
    long sum = 0;
    for (int i = 0; i < count; ++i) sum += *pointers[i];
    return sum;
}

} // namespace

// Each array is touched first by a store of pointers to the one before.
[[gnu::noinline]] bool copies_pointers() {
    long numbers[count];
    long* pointers[count];
    long* copies[count];
    for (int i = 0; i < count; ++i) numbers[i] = i;
    for (int i = 0; i < count; ++i) pointers[i] = numbers + (count - 1 - i);
    asm volatile("" : : "r"(pointers) : "memory");
    for (int i = 0; i < count; ++i) copies[i] = pointers[i];
    asm volatile("" : : "r"(copies) : "memory");
    for (int i = 0; i < count; ++i) numbers[i] += 1;
    asm volatile("" : : "r"(numbers) : "memory");
    return follow(pointers) == count * (count + 1l) / 2 && follow(copies) == count * (count + 1l) / 2;
}

// From the high end down, so that the last pages are touched in the loop and not at its beginning.
[[gnu::noinline]] bool keeps_sums() {
    double squares[4 * count];
    double sum = 0, sum_of_halves = 0;
    asm volatile("" : "+x"(sum), "+x"(sum_of_halves));
    for (int i = 4 * count - 1; i >= 0; --i) {
        squares[i] = static_cast<double>(i) * i;
        sum += squares[i];
        sum_of_halves += squares[i] / 2;
    }
    asm volatile("" : : "r"(squares) : "memory");
    double again = 0;
    for (double s : squares) again += s;
    constexpr double n = 4 * count - 1;
    return sum == n * (n + 1) * (2 * n + 1) / 6 && again == sum && sum_of_halves == sum / 2;
}

#if VECTOR_BITS == 128
#define GUARD_MOVE "movdqu "
#define GUARD_LAST "xmm15"
#define GUARD_REGISTER "xmm"
#elif VECTOR_BITS == 256
#define GUARD_MOVE "vmovdqu "
#define GUARD_LAST "xmm15"
#define GUARD_REGISTER "ymm"
#else
#define GUARD_MOVE "vmovdqu64 "
#define GUARD_LAST "xmm31"
#define GUARD_REGISTER "zmm"
#endif
#define GUARD_LAST_NUMBER (VECTOR_BITS == 512 ? 31 : 15)

// The first and the last register hold nothing but pointers to `local` when the store faults. Compilers' own loops do
// not say in which order they touch a frame.
[[gnu::noinline]] bool repoints_registers() {
    constexpr int words = VECTOR_BITS / 64;
    long local = 0;
    long* before[words];
    long* after[2 * words];
    for (long*& p : before) p = &local;
    // clang-format off
    asm volatile(GUARD_MOVE "(%[before]), %%" GUARD_REGISTER "0\n\t"
                 GUARD_MOVE "(%[before]), %%" GUARD_REGISTER "%c[last]\n\t"
                 "sub $4096, %%rsp\n\t"
                 "movq $0, (%%rsp)\n\t"
                 "add $4096, %%rsp\n\t"
                 GUARD_MOVE "%%" GUARD_REGISTER "0, (%[after])\n\t"
                 GUARD_MOVE "%%" GUARD_REGISTER "%c[last], %c[bytes](%[after])"
                 :
                 : [before] "r"(before), [after] "r"(after), [last] "i"(GUARD_LAST_NUMBER), [bytes] "i"(VECTOR_BITS / 8)
                 : "memory", "cc", "xmm0", GUARD_LAST);
    // clang-format on
    for (long* p : after)
        if (p != &local) return false;
    return true;
}

// clang-format off
} // namespace of that width
