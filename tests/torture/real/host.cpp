// Runs a program's main() in a coroutine on a kind of stack of its own, or on a plain thread: HOST STACK [ARGUMENT...].
// Compiled without checks; the program, whose main() is named hosted_main by its compiler's flags, with. Says at the
// end what the stack did.
#include <growstack/growstack.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

extern "C" int hosted_main(int argc, char** argv);

namespace {

std::size_t moves, chunks;

void count(const growstack::trace_event& event) {
    moves += event.kind == growstack::trace_event::copystack;
    chunks += event.kind == growstack::trace_event::push_chunk;
}

// Programs may leave by exit().
void report() { std::fprintf(stderr, "\nhost: %zu moves, %zu chunks linked\n", moves, chunks); }

template <class Stack>
int run(int argc, char** argv, const growstack::stack_options& options) {
    int code = -1;
    growstack::coroutine<Stack> c{[&] { code = hosted_main(argc, argv); }, options};
    while (!c.done()) c.resume();
    return code;
}

int run_on(const char* stack, int argc, char** argv) {
    const auto is = [stack](const char* name) { return std::strcmp(stack, name) == 0; };
    if (is("contiguous")) return run<growstack::contiguous_stack>(argc, argv, {.initial_bytes = 4096});
    if (is("segmented")) return run<growstack::segmented_stack>(argc, argv, {.initial_bytes = 16384});
    if (is("eager"))
        return run<growstack::segmented_stack>(argc, argv,
                                               {.initial_bytes = 16384, .release = growstack::chunk_release::eager});
    if (is("reserved")) return run<growstack::reserved_stack>(argc, argv, growstack::reserved_stack::defaults);
    int code = -1;
    std::thread{[&] { code = hosted_main(argc, argv); }}.join();
    return code;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2)
        return std::fprintf(stderr, "usage: host thread|contiguous|segmented|eager|reserved [ARGUMENT...]\n"), 2;
    growstack::set_trace(count);
    std::atexit(report);
    return run_on(argv[1], argc - 1, argv + 1);
}
