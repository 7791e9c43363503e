// The clock around the loop of depth.cpp: without a check, for it calls the C library, which has none either.
#include "depth.hpp"

namespace peers {

int run_loop(timed_loop& timed) {
    char here = 0;
    timed.bottom = reinterpret_cast<std::uintptr_t>(&here);
    int sum = loop(1); // what grows once has grown
    for (int i = 0; i < 3; ++i) {
        const auto start = clock::now();
        sum += loop(timed.times);
        timed.least_ns = std::min(timed.least_ns, ns(clock::now() - start) / timed.times);
    }
    return sum;
}

} // namespace peers
