// Job: the textbook's quicksort, on random numbers and on its worst case, and Ackermann's function.
#include "jobs.hpp"

#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

namespace bench {
namespace {

std::vector<int> shuffled;

void prepare() {
    std::mt19937 random{1};
    shuffled.resize(300'000);
    for (int& number : shuffled) number = static_cast<int>(random() >> 1);
}

// Cormen et al., the last element as pivot: numbers that are in order already make it as deep as there are numbers.
void quicksort(int* first, int* last) {
    if (last - first < 2) return;
    const int pivot = last[-1];
    int* const middle = std::partition(first, last - 1, [pivot](int number) { return number <= pivot; });
    std::swap(*middle, last[-1]);
    quicksort(first, middle);
    quicksort(middle + 1, last);
}

std::uint64_t ackermann(std::uint64_t m, std::uint64_t n) {
    if (m == 0) return n + 1;
    if (n == 0) return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

std::uint64_t sum_of(const std::vector<int>& numbers) {
    std::uint64_t sum = 0;
    for (const int number : numbers) sum = sum * 31 + static_cast<std::uint64_t>(number);
    return sum;
}

std::uint64_t run() {
    std::vector<int> numbers = shuffled;
    quicksort(numbers.data(), numbers.data() + numbers.size());
    std::uint64_t sum = sum_of(numbers);
    numbers.resize(12'000);
    quicksort(numbers.data(), numbers.data() + numbers.size());
    sum = sum * 31 + sum_of(numbers);
    return (sum * 31 + ackermann(1, 250'000)) * 31 + ackermann(2, 2'000) * 31 + ackermann(3, 9);
}

} // namespace

const job sort_job{"sort", "quicksort, random and worst case, and Ackermann", run, prepare};

} // namespace bench
