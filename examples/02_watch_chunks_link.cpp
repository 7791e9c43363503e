// Question: what is the hot split, and why did Go give segmented stacks up for it?
//
// You will see a loop that calls leaf() four times, on a segmented stack: first where leaf's frame fits, then 10 KiB
// deeper, where it does not fit, then 10 KiB deeper still. Only the one in the middle pays at every call. Nothing in
// the loop has changed: only how deep it runs. Then the same with one chunk kept for reuse.
//
// Open: include/growstack/segmented_stack.hpp (the picture), src/stack/chunk.cpp (push_chunk, pop_chunk),
// src/arch/x86_64/morestack.S from .Lfast_call on (a kept chunk is entered with a few instructions).
//
// Exercise: run the loop on growstack::contiguous_stack. How many events, and of which kinds? Then give both frames
// 1 KiB and search for hot depths: how many of 100 are?
#include <growstack/growstack.hpp>

#include <cstdio>

namespace {

// Printed while the stack grows, on the thread's own stack: printf is fine here, resume and yield are not.
void print_event(const growstack::trace_event& event) {
    const bool is_push = event.kind == growstack::trace_event::push_chunk;
    const bool is_kept = event.bytes == 0; // no memory was taken or given back
    std::printf("        %-10s  %zu KiB, %s\n", growstack::name(event.kind), (event.hi - event.lo) / 1024,
                is_push ? (is_kept ? "the kept one" : "new") : (is_kept ? "kept" : "freed"));
}

// Makes compilers believe that somebody looks at the room, so that the frame keeps it.
void use(char* room) { asm volatile("" : : "r"(room) : "memory"); }

[[gnu::noinline]] void leaf() {
    char room[10 * 1024];
    use(room);
}

[[gnu::noinline]] void loop_at_depth(int levels) {
    char room[10 * 1024];
    use(room);
    if (levels > 1) {
        loop_at_depth(levels - 1);
    } else {
        for (int call = 1; call <= 4; ++call) {
            std::printf("      call %d\n", call);
            leaf();
        }
        std::puts("      loop ends");
    }
    use(room); // after the call, or it would be the function's last act, which compilers make a jump
}

void show(int levels, growstack::chunk_release release, const char* what) {
    std::printf("    %d frames of 10 KiB, then the loop: %s\n", levels, what);
    // 64 KiB less 8 KiB of headroom for libc: frames may use 56 KiB.
    growstack::coroutine<growstack::segmented_stack> body{
        [levels] { loop_at_depth(levels); },
        {.initial_bytes = 64 * 1024, .chunk_bytes = 64 * 1024, .release = release}};
    body.resume();
    std::printf("      chunks entered: %zu\n", body.stats().chunks_linked);
}

} // namespace

int main() {
    growstack::set_trace(print_event);
    std::puts("A stack with 56 KiB for frames. leaf() needs 10 KiB.\n");
    std::puts("eager: a chunk is unlinked and freed as soon as the call that needed it returns");
    show(4, growstack::chunk_release::eager, "40 + 10 KiB fit");
    show(5, growstack::chunk_release::eager, "50 + 10 do not fit: the hot split");
    show(6, growstack::chunk_release::eager, "the sixth has linked a chunk, where each leaf fits");
    std::puts("\nkeep_one: one chunk stays at hand until the coroutine ends");
    show(5, growstack::chunk_release::keep_one, "each call enters the same chunk");
}
