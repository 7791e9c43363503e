// A safe program for Memcheck, with one error on an escape stack or none: escape uninitialised|dead|clean.
// tests/tools/valgrind/run says how each must end.
#include <growstack/growstack.hpp>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

static_assert(__has_feature(safe_stack));

namespace this_coroutine = growstack::this_coroutine;

namespace {

// Hides where a value comes from; its address escapes.
template <class T>
[[gnu::noinline]] T* hidden(T* p) {
    asm volatile("" : "+r"(p) : : "memory");
    return p;
}

[[gnu::noinline]] std::size_t deep(std::size_t levels, void (*at_the_end)()) {
    char room[200];
    hidden(room)[0] = 1;
    if (levels) return deep(levels - 1, at_the_end) + static_cast<std::size_t>(hidden(room)[0]);
    if (at_the_end) at_the_end();
    return 0;
}

std::size_t depth(std::size_t plain) { return growstack::stress().move ? plain / 8 : plain; }

int* kept = nullptr;

void use_what_is_dead() {
    growstack::coroutine{[] {
        int local = 1;
        kept = hidden(&local);
    }}.resume();
    growstack::trim(); // or the next coroutine would have the same escape stack
    std::printf("%d\n", *kept);
}

void use_what_is_not_set() {
    growstack::coroutine{[] {
        int local;
        deep(depth(800), nullptr);
        if (*hidden(&local)) std::puts("whatever it is");
    }}.resume();
}

void yield_in_many_ways(int number) {
    std::map<int, int> nodes; // that point back to it
    for (int k = 0; k < number; ++k) nodes[k] = k;
    deep(depth(60 * static_cast<std::size_t>(number)), this_coroutine::yield);
    try {
        deep(depth(200), [] { throw std::runtime_error("x"); });
    } catch (const std::runtime_error&) {
        nodes[-1] = 0;
    }
    std::jmp_buf env;
    if (setjmp(env) == 0) {
        deep(depth(300), this_coroutine::yield);
        std::longjmp(env, 1);
    }
    growstack::native([] { deep(50, nullptr); });
    if (nodes.size() != static_cast<std::size_t>(number) + 1) std::abort();
}

// Some escape stacks get more pieces, some are trimmed, a third is used again, the others end while suspended.
void do_everything() {
    std::vector<growstack::coroutine<>> all;
    for (int i = 0; i < 20; ++i)
        all.emplace_back([i] { yield_in_many_ways(i); }, growstack::stack_options{.escape_bytes = 64 << 10});
    for (auto& c : all) c.resume();
    for (std::size_t i = 0; i < all.size(); i += 2) std::thread{[&c = all[i]] { c.resume(); }}.join();
    for (auto& c : all) c.trim();
    growstack::trim();
    for (std::size_t i = 0; i < all.size(); i += 3)
        while (!all[i].done()) all[i].resume();
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "uninitialised") use_what_is_not_set();
    if (what == "dead") use_what_is_dead();
    if (what == "clean")
        for (int round = 0; round < 3; ++round) do_everything();
    std::puts("done");
}
