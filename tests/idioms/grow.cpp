// The recursion that lets the stack grow: frames of 1 KiB, and in each also a variable whose address goes down the
// calls. In the safe build, arrays lie on the escape stack, which does not move; here they have to lie on the stack
// that does.
#include "idioms.hpp"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if __has_feature(safe_stack)
#define ON_THE_MOVING_STACK __attribute__((no_sanitize("safe-stack")))
#else
#define ON_THE_MOVING_STACK
#endif

namespace {

constexpr int frames = 250;

int deeper(int n, const int* above);

[[gnu::noinline]] ON_THE_MOVING_STACK int with_a_large_frame(int n, const int* above) {
    char room[1024];
    show(room);
    const int below = deeper(n, above);
    show(room);
    return below;
}

[[gnu::noinline]] int deeper(int n, const int* above) {
    int here = *above + 1;
    show(&here);
    return n ? with_a_large_frame(n - 1, &here) : here;
}

} // namespace

void grow() {
    const int start = 0;
    if (deeper(frames, &start) != frames + 1) give_up();
}
