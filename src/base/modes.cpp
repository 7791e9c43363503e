// The hard modes, from the environment and by the API.
#include "base/modes.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace growstack {

constinit std::atomic<unsigned> grow::stress_bits{0};

namespace {

stress_modes modes_from_environment() noexcept {
    stress_modes modes;
    const char* text = std::getenv("GROWSTACK_STRESS");
    std::string_view rest = text ? text : "";
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        const std::string_view word = rest.substr(0, comma);
        rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
        if (word == "move") modes.move = true;
        else if (word == "link") modes.link = true;
        else if (word == "poison") modes.poison = true;
        else if (word == "fault") modes.fault = true;
        else if (!word.empty())
            std::fprintf(stderr,
                         "growstack: GROWSTACK_STRESS: no mode '%.*s'; there are move, link, poison and fault\n",
                         static_cast<int>(word.size()), word.data());
    }
    return modes;
}

using grow::poison_bit;
using grow::stress_bits;
constexpr unsigned move_bit = 1;
constexpr unsigned link_bit = 2;

unsigned to_bits(stress_modes modes) noexcept {
    return (modes.move ? move_bit : 0u) | (modes.link ? link_bit : 0u) | (modes.poison ? poison_bit : 0u) |
           (modes.fault ? grow::fault_bit : 0u);
}

stress_modes from_bits(unsigned bits) noexcept {
    return {.move = (bits & move_bit) != 0,
            .link = (bits & link_bit) != 0,
            .poison = (bits & poison_bit) != 0,
            .fault = (bits & grow::fault_bit) != 0};
}

// Before other static objects: they may create coroutines.
[[gnu::constructor(102)]] void read_environment() noexcept { stress_bits |= to_bits(modes_from_environment()); }

} // namespace

stress_modes set_stress(stress_modes modes) noexcept {
    constexpr unsigned no_modes = grow::address_sanitizer_bit | grow::thread_sanitizer_bit | grow::valgrind_bit |
                                  grow::audit_bit;
    return from_bits(stress_bits.exchange(to_bits(modes) | (stress_bits & no_modes)));
}

stress_modes stress() noexcept { return from_bits(stress_bits.load(std::memory_order_relaxed)); }

} // namespace growstack
