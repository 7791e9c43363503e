// Runs a random program on a plain thread and on every kind of stack; all must compute the same. Compiled without checks.
#include "run.hpp"

#include <growstack/growstack.hpp>

#include <cstdio>
#include <thread>

void yield() {
    if (growstack::this_coroutine::is_inside()) growstack::this_coroutine::yield();
}

namespace {

int failed = 0;

template <class Stack>
void compare(const char* name, unsigned long expected, const growstack::stack_options& options) {
    unsigned long sum = 0;
    growstack::coroutine<Stack> c{[&sum] { sum = program(); }, options};
    while (!c.done()) {
        c.resume();
        if constexpr (std::is_same_v<Stack, growstack::contiguous_stack>) c.shrink();
    }
    if (sum == expected) return;
    ++failed;
    std::fprintf(stderr, "%s: %lx instead of %lx\n", name, sum, expected);
}

} // namespace

int main() {
    unsigned long expected = 0;
    std::thread{[&] { expected = program(); }}.join();
    using growstack::stack_layout;
    compare<growstack::contiguous_stack>("contiguous_stack", expected, {});
    compare<growstack::contiguous_stack>("contiguous_stack of 4 KiB", expected, {.initial_bytes = 4096});
    compare<growstack::contiguous_stack>("contiguous_stack that shrinks", expected, {.initial_bytes = 4096, .shrink_on_yield = true});
    compare<growstack::segmented_stack>("segmented_stack", expected, {.initial_bytes = 16384});
    compare<growstack::segmented_stack>("segmented_stack, eager", expected,
                                        {.initial_bytes = 16384, .release = growstack::chunk_release::eager});
    compare<growstack::reserved_stack>("reserved_stack", expected, growstack::reserved_stack::defaults);
    compare<growstack::fixed_stack>("fixed_stack", expected, {.initial_bytes = 8 << 20});
    return failed;
}
