// Question: what is a coroutine with a stack of its own good for?
//
// You will see
//   1. two functions take turns: yield() goes back to after resume(), and resume() goes on after yield();
//   2. locals survive a yield, and a yield may come from any depth: no function on the way knows of it;
//   3. an exception of the body comes out of resume();
//   4. a coroutine starts on 16 KiB, and one that recurses into 60 frames of 10 KiB just gets a larger stack.
//
// Open: include/growstack/coroutine.hpp (the handle), include/growstack/detail/switch.hpp (what resume and yield do).
//
// Exercise: in part 4 say `growstack::coroutine<growstack::fixed_stack>`. What is thrown, and what does it advise?
// Catch it inside the coroutine, around descend(): can the coroutine go on?
#include <growstack/growstack.hpp>

#include <cstdio>
#include <stdexcept>

static void take_turns() {
    growstack::coroutine pong{[] {
        std::puts("     pong 1");
        growstack::this_coroutine::yield();
        std::puts("     pong 2");
    }};
    std::puts("1. ping 1");
    pong.resume();
    std::puts("   ping 2");
    pong.resume();
    std::printf("   the body has ended: done() is %s\n", pong.done() ? "true" : "false");
}

// Visits 1, 2, ... in the order of a tree walk. Each yield_value leaves all the calls above it standing.
static void walk(int lo, int hi) {
    if (lo > hi) return;
    const int middle = (lo + hi) / 2;
    walk(lo, middle - 1);
    growstack::this_coroutine::yield_value(middle);
    walk(middle + 1, hi);
}

static void yield_from_the_depth() {
    std::printf("2. values yielded from a recursive walk:");
    for (int value : growstack::generator<int>{[] { walk(1, 7); }}) std::printf(" %d", value);
    std::puts("");
}

static void throw_through_resume() {
    growstack::coroutine body{[] { throw std::runtime_error("thrown in the coroutine"); }};
    try {
        body.resume();
    } catch (const std::exception& e) {
        std::printf("3. caught around resume(): %s\n", e.what());
    }
}

// Makes compilers believe that somebody looks at the room, so that the frame keeps it and the call is not a loop.
static void use(char* room) { asm volatile("" : : "r"(room) : "memory"); }

[[gnu::noinline]] static int descend(int levels) {
    char room[10 * 1024];
    use(room);
    const int below = levels > 1 ? descend(levels - 1) : 0;
    use(room);
    return below + 1;
}

static void outgrow_the_stack() {
    growstack::coroutine<growstack::contiguous_stack> deep{[] {
        std::printf("4. a stack of %zu KiB\n", growstack::this_coroutine::stats().stack_bytes / 1024);
        std::printf("   %d frames of 10 KiB later ", descend(60));
        std::printf("it has %zu KiB\n", growstack::this_coroutine::stats().stack_bytes / 1024);
    }};
    deep.resume();
}

int main() {
    take_turns();
    yield_from_the_depth();
    throw_through_resume();
    outgrow_the_stack();
}
