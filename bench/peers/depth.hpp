// Growth and the hot split of a peer whose stack grows: the frames of growth.cpp and hot_split.cpp, on stacks that the
// peer makes.
//
// What is in depth.cpp is what grows: a peer whose checks come from the compiler compiles that file with them, and no
// other.
#pragma once

#include "measure.hpp"

#include <cstdint>
#include <string>

namespace peers {

int recurse(std::size_t frames, char* top, std::size_t& depth_bytes);

struct timed_loop {
    int times;
    double least_ns;
    std::uintptr_t bottom; // where it ran
};

/// Calls a function with a large frame in a loop.
int loop(int times);
/// Calls run_loop below so many small frames.
int descend(std::size_t frames, timed_loop& timed);
int run_loop(timed_loop& timed);

// By differences of two: a stack of segments has no distance from top to bottom, but the first is long enough for this.
inline std::size_t frame_bytes() {
    std::size_t one = 0, two = 0;
    char top = 0;
    recurse(1, &top, one);
    recurse(2, &top, two);
    return two - one;
}

inline std::size_t small_frame_bytes() {
    timed_loop one{1, 1e9, 0}, two = one;
    descend(1, one);
    descend(2, two);
    return one.bottom - two.bottom;
}

struct first_and_again {
    double first_ns, again_ns;
};

inline first_and_again recurse_twice(std::size_t frames) {
    char top = 0;
    std::size_t depth_bytes = 0;
    const auto start = clock::now();
    recurse(frames, &top, depth_bytes);
    const auto between = clock::now();
    recurse(frames, &top, depth_bytes);
    const auto end = clock::now();
    return {ns(between - start), ns(end - between)};
}

/// Prints ns per KiB reached, at first and again. run(bytes, body) calls body() on a new stack that has, or can get, so
/// many bytes.
template <class Run>
void measure_growth(const char* peer, Run run) {
    for (std::size_t bytes = 4 << 10; bytes <= 8 << 20; bytes *= 2) {
        const std::size_t frames = bytes / frame_bytes();
        const double reached_kib = static_cast<double>(frames * frame_bytes()) / 1024;
        std::vector<double> first, again;
        const std::size_t rounds = std::clamp<std::size_t>((2 << 20) / bytes, 3, 40);
        for (std::size_t i = 0; i <= rounds; ++i) {
            first_and_again took{};
            run(bytes, [&] { took = recurse_twice(frames); });
            if (i == 0) continue; // warms the memory
            first.push_back(took.first_ns / reached_kib);
            again.push_back(took.again_ns / reached_kib);
        }
        print("growth", peer, (std::to_string(bytes) + "/first").c_str(), median(first));
        print("growth", peer, (std::to_string(bytes) + "/again").c_str(), median(again));
    }
}

/// Prints the least ns of a call at each depth.
template <class Run>
void measure_hot_split(const char* peer, Run run) {
    constexpr std::size_t swept_bytes = 20 * 1024;
    for (std::size_t frames = 0; frames * small_frame_bytes() < swept_bytes; ++frames) {
        timed_loop timed{1000, 1e9, 0};
        run(swept_bytes, [&] { descend(frames, timed); });
        print("hot_split", peer, std::to_string(frames * small_frame_bytes()).c_str(), timed.least_ns);
    }
}

} // namespace peers
