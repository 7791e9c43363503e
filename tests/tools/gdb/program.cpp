// What is looked at with gdb: coroutines on every kind of stack, in every state, and growth at work. Ends with 0 if
// all has been computed right. With an argument it crashes in a coroutine.
//
// The test stops in the functions whose names begin with stop_.
#include <growstack/growstack.hpp>

#include <alloca.h>

#include <semaphore>
#include <thread>

using namespace growstack;

namespace {

// Its frame lies in memory.
#define KEEP(object) asm volatile("" : : "r"(object) : "memory")

// In a safe build too: what is to take room there.
#ifdef __clang__
#define ON_NATIVE_STACK __attribute__((no_sanitize("safe-stack")))
#else
#define ON_NATIVE_STACK
#endif

// No two are the same, or the compiler would make one of them.
#define STOP(name) \
    [[gnu::noinline]] void name() { asm volatile("# " #name : : : "memory"); }
STOP(stop_on_chunks)
STOP(stop_on_pinned)
STOP(stop_on_moved)
STOP(stop_in_native)
STOP(stop_in_inner)
STOP(stop_in_main)

int sum = 0; // of what all have computed

// 64 KiB in all, at its depth of 64.
[[gnu::noinline]] ON_NATIVE_STACK void deep(int levels, void (*at_the_end)()) {
    char room[1024];
    KEEP(room);
    if (levels) deep(levels - 1, at_the_end);
    else at_the_end();
    KEEP(room);
    ++sum;
}

constexpr int depth = 64;

[[gnu::noinline]] void yield_once() {
    this_coroutine::yield();
    ++sum;
}

[[gnu::noinline]] ON_NATIVE_STACK void with_alloca() {
    volatile std::size_t bytes = 100'000;
    KEEP(alloca(bytes));
    ++sum;
}

// A touch below the stack.
[[gnu::noinline, gnu::no_split_stack]] void without_check();
ON_NATIVE_STACK void without_check() {
    char room[40 * 1024];
    KEEP(room);
    room[0] = 1;
    KEEP(room);
    ++sum;
}

[[gnu::noinline, gnu::no_split_stack]] void without_checks(int levels);
ON_NATIVE_STACK void without_checks(int levels) {
    without_check();
    char room[4096];
    KEEP(room);
    if (levels) without_checks(levels - 1);
    KEEP(room);
}

// In a safe build `escaping` lies on the escape stack, and `inner` on a newer piece of it. Nobody knows where `kept`
// is.
[[gnu::noinline]] void with_inner() {
    int inner[] = {5, 6, 7};
    KEEP(inner);
    this_coroutine::yield();
    KEEP(inner);
    sum += inner[2] == 7;
}

[[gnu::noinline]] void with_escaping(int first) {
    int escaping[] = {first, first + 1, first + 2};
    int kept = 10 * first;
    KEEP(escaping);
    deep(depth, with_inner);
    KEEP(escaping);
    KEEP(kept);
    sum += escaping[0] == 1 && kept == 10;
}

// In a safe build: uses up the first piece of an escape stack of 16 KiB, so that a check adds one.
[[gnu::noinline]] void with_escaping_beyond_a_piece() {
#ifdef __has_feature
#if __has_feature(safe_stack)
    char large[20 * 1024];
    large[0] = 0;
    KEEP(large);
    with_escaping(1);
    KEEP(large);
    return;
#endif
#endif
    with_escaping(1);
}

[[gnu::noinline]] void called_natively() {
    stop_in_native();
    ++sum;
}

template <class Stack, class Body>
void run(Body body) {
    coroutine<Stack> c{body};
    while (!c.done()) c.resume();
}

void grow_in_all_ways() {
    run<segmented_stack>([] { deep(depth, stop_on_chunks); });
    run<contiguous_stack>([] {
        const pin stay;
        deep(depth, stop_on_pinned);
    });
    run<contiguous_stack>([] { deep(depth, stop_on_moved); });
    run<contiguous_stack>([] { with_alloca(); });
    run<contiguous_stack>([] { without_checks(depth); });
    run<segmented_stack>([] { deep(depth, [] { native(called_natively); }); });
}

[[gnu::noinline]] void inner_body() {
    stop_in_inner();
    ++sum;
}

[[gnu::noinline]] void outer_body() {
    coroutine<segmented_stack> inner{inner_body};
    inner.resume();
    ++sum;
}

[[gnu::noinline]] void natively_outer() {
    coroutine<> outer{outer_body};
    outer.resume();
    ++sum;
}

std::binary_semaphore thread_is_there{0}, thread_may_go{0};

[[gnu::noinline]] void on_thread() {
    thread_is_there.release();
    thread_may_go.acquire();
    ++sum;
}

void keep_many() {
    coroutine<> shallow{yield_once};
    coroutine<> moved{[] { deep(depth, yield_once); }};
    coroutine<> escaped{[] { with_escaping_beyond_a_piece(); }, {.escape_bytes = 16 * 1024}};
    coroutine<segmented_stack> chunked{[] { deep(depth, yield_once); }};
    coroutine<reserved_stack> reserved{[] { deep(depth, yield_once); }};
    coroutine<> dense{yield_once, {.initial_bytes = 2048, .layout = stack_layout::dense}};
    coroutine<fixed_stack> not_started{yield_once};
    coroutine<> ended{[] { ++sum; }};
    generator<int> numbers{[](auto& yield) {
        for (int i = 0;; ++i) yield(i);
    }};
    shallow.resume();
    moved.resume();
    escaped.resume();
    chunked.resume();
    reserved.resume();
    dense.resume();
    ended.resume();
    auto number = numbers.begin();
    std::thread other{[] {
        coroutine<fixed_stack> c{on_thread};
        c.resume();
    }};
    thread_is_there.acquire();
    stop_in_main();
    coroutine<segmented_stack> waits{[] { native(natively_outer); }};
    waits.resume();
    thread_may_go.release();
    other.join();
    moved.resume();
    escaped.resume();
    chunked.resume();
    ++number;
    sum += *number;
}

[[gnu::noinline]] void crash(int* nowhere) {
    KEEP(&nowhere);
    *nowhere = 1;
}

} // namespace

int main(int count, char**) {
    if (count > 1) run<segmented_stack>([] { crash(nullptr); });
    grow_in_all_ways();
    keep_many();
    return sum != 532;
}
