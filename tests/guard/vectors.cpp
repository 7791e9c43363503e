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

} // namespace of that width
