#include <growstack/growstack.hpp>
#include <cstdio>
#include <regex>

int main() {
    const std::string text(100'000, 'a');
    growstack::coroutine matcher{[&] {
        std::puts("hello from a stack of 16 KiB");
        growstack::this_coroutine::yield();
        std::puts(std::regex_match(text, std::regex("(a|b)*")) ? "match" : "no match");
    }};
    while (!matcher.done()) matcher.resume();
    std::puts(matcher.stats().peak_stack_bytes > (8 << 20) ? "needed over 8 MiB" : "needed under 8 MiB");
}
