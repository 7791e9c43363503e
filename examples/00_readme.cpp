#include <cstdio>
#include <growstack/growstack.hpp>
#include <regex>
int main() {
    growstack::coroutine matcher{[] {
        std::puts("hello from a stack of 16 KiB");
        growstack::this_coroutine::yield();
        std::puts(std::regex_match(std::string(100'000, 'a'), std::regex("(a|b)*")) ? "match" : "no match");
    }};
    while (!matcher.done()) matcher.resume();
    std::printf("more than 8 MiB were needed: %s\n", matcher.stats().peak_stack_bytes > (8 << 20) ? "yes" : "no");
}
