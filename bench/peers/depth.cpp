// What grows: the recursion of growth.cpp, and the loop and the small frames above it of hot_split.cpp.
#include "depth.hpp"

namespace peers {

// One frame is about 100 bytes. The addition after the call keeps the recursion a recursion.
[[gnu::noinline]] int recurse(std::size_t frames, char* top, std::size_t& depth_bytes) {
    volatile char local[88];
    local[0] = static_cast<char>(frames);
    if (frames == 0) {
        depth_bytes = reinterpret_cast<std::uintptr_t>(top) - reinterpret_cast<std::uintptr_t>(&local[0]);
        return local[0];
    }
    return recurse(frames - 1, top, depth_bytes) + local[0];
}

// Over 256 bytes: compilers check smaller frames by sp alone. Aligned, as in hot_split.cpp.
[[gnu::noinline, gnu::aligned(64)]] static int callee(int x) {
    volatile char frame[512];
    frame[0] = static_cast<char>(x);
    return frame[0] + 1;
}

[[gnu::noinline, gnu::aligned(64)]] int loop(int times) {
    int sum = 0;
    for (int i = 0; i < times; ++i) sum += callee(sum & 1);
    return sum;
}

[[gnu::noinline]] int descend(std::size_t frames, timed_loop& timed) {
    volatile char local[8];
    local[0] = 0;
    if (frames == 0) return run_loop(timed) + local[0];
    return descend(frames - 1, timed) + local[0];
}

} // namespace peers
