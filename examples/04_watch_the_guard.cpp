// Question: how can a stack grow under code that never asks for room?
//
// This file is compiled without any flag, and the coroutines start with 4 KiB. You will see what happens when code runs
// off the end of that: snprintf, from the C library, gets pages of the growth room below the stack, and nothing moves;
// a deep recursion uses the room up, and the stack moves in the middle of it.
//
// Open: src/check/guard_fault.cpp (the picture, and grow), src/stack/room.cpp, src/arch/x86_64/interrupted_code.cpp
// (what a move re-points beside the stack when it comes between any two instructions).
//
// Exercise: make the second coroutine a growstack::coroutine<growstack::fixed_stack>, then a segmented_stack, and read
// what you are told. Then set `.room_bytes = 0` for both coroutines here: which answer changes, and why?
#include <growstack/growstack.hpp>

#include <cstdio>

namespace {

// The hook runs in a signal handler here: it may count, but not print.
volatile int rooms_opened, moves;

void count(const growstack::trace_event& e) {
    if (e.kind == growstack::trace_event::open_room) rooms_opened = rooms_opened + 1;
    if (e.kind == growstack::trace_event::copystack) moves = moves + 1;
}

const char* yes_no(bool answer) { return answer ? "yes" : "no"; }

// Says what `body` has done to a stack of 4 KiB.
template <class Body>
void watch(const char* what, Body body) {
    rooms_opened = 0;
    moves = 0;
    growstack::coroutine c{body, {.initial_bytes = 4096}};
    c.resume();
    std::printf("  opened the room: %s; moved: %s  (%s)\n", yes_no(rooms_opened > 0), yes_no(moves > 0), what);
}

// Some 100 bytes a level. Each level points to the one above it, and counts it.
int depth_of(const volatile int* above, int levels) {
    volatile int here[16] = {*above + 1};
    return levels == 0 ? here[0] : depth_of(here, levels - 1) + 0 * here[1];
}

} // namespace

int main() {
    growstack::set_trace(count);

    std::puts("A long double through the C library:");
    watch("snprintf", [] {
        char text[64];
        std::snprintf(text, sizeof text, "%.12Lg", 1e4000L);
        std::printf("  it reads %s\n", text);
    });

    std::puts("A recursion 100,000 levels deep:");
    watch("depth_of", [] {
        const volatile int top = 0;
        std::printf("  it counted %d\n", depth_of(&top, 99'999));
    });
}
