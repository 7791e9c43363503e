// How every peer in C++ is measured: batches long enough for the clock, of which the median is printed as a line of
// JSON.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <utility>
#include <vector>

namespace peers {

using clock = std::chrono::steady_clock;

inline double ns(clock::duration d) { return std::chrono::duration<double, std::nano>(d).count(); }

inline double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

inline void print(const char* cost, const char* peer, const char* parameter, double ns) {
    std::printf("{\"cost\": \"%s\", \"peer\": \"%s\", \"parameter\": \"%s\", \"ns\": %.3f}\n", cost, peer, parameter,
                ns);
}

template <class Step>
double time_of(std::size_t times, Step& step) {
    const auto start = clock::now();
    for (std::size_t i = 0; i < times; ++i) step();
    return ns(clock::now() - start);
}

/// Prints the median of many batches of 0.5 ms or more; what finds their size warms up, too.
template <class Step>
void measure(const char* cost, const char* peer, const char* parameter, Step step) {
    constexpr double batch_ns = 5e5;
    std::size_t times = 1;
    while (time_of(times, step) < batch_ns) times *= 2;
    std::vector<double> each;
    for (int i = 0; i < 25; ++i) each.push_back(time_of(times, step) / static_cast<double>(times));
    print(cost, peer, parameter, median(std::move(each)));
}

} // namespace peers
