// Question: how can a stack move although the address of a local is kept where no move looks?
//
// By not having that local on it. You will see one function whose frame is split in two: its return address and what
// is private to it lie on the native stack, which moves; the local whose address goes into a global lies on the escape
// stack, which does not. That needs a safe build: Clang decides what escapes. The same file in an ordinary build says
// what is different there.
//
// Open: docs/safe-build.md (the picture), include/growstack/detail/switch.hpp (leave: each coroutine's own escape stack
// comes with it), src/stack/escape.cpp (pieces; why a newer one may be entered at any instruction).
//
// Exercise: remove the line with `kept`, and print __builtin_frame_address(0) instead of the address. Which locals are
// on the escape stack now? (clang++ -S shows it: look for __safestack_unsafe_stack_ptr.)
#include <growstack/growstack.hpp>

#include <cstdint>
#include <cstdio>

namespace {

// Outside the stack, so no move changes them. volatile: compilers know that locals stay where they are.
int* volatile kept;
volatile std::uintptr_t frame_before;

const char* yes_no(bool answer) { return answer ? "yes" : "no"; }

std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

// Takes some hundred KiB of native stack.
[[gnu::noinline]] int go_deep(int depth) {
    volatile int private_to_this_frame = depth;
    return depth == 0 ? 0 : go_deep(depth - 1) + (private_to_this_frame == depth);
}

[[gnu::noinline]] void watch() {
    int local = 42;
    kept = &local;
    frame_before = address(__builtin_frame_address(0));
    std::printf("escape stack in use: %s\n", yes_no(growstack::this_coroutine::stats().escape_stack_bytes > 0));
    std::printf("deep: %d frames\n", go_deep(10'000));
    std::printf("the stack has moved: %s\n", yes_no(growstack::this_coroutine::stats().moves > 0));
    std::printf("the frame lies elsewhere now: %s\n", yes_no(address(__builtin_frame_address(0)) != frame_before));
    std::printf("the address in the global is still that of the local: %s\n", yes_no(kept == &local));
}

} // namespace

int main() {
    growstack::coroutine<growstack::contiguous_stack> body{watch};
    body.resume();
}
