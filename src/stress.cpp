// The hard modes, from the environment and by the API.
#include "stress.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace growstack {
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
        else if (!word.empty())
            std::fprintf(stderr, "growstack: GROWSTACK_STRESS: no mode '%.*s'; there are move, link and poison\n",
                         static_cast<int>(word.size()), word.data());
    }
    return modes;
}

enum mode_bits : unsigned { move_bit = 1, link_bit = 2, poison_bit = 4 };

unsigned to_bits(stress_modes modes) noexcept {
    return (modes.move ? move_bit : 0u) | (modes.link ? link_bit : 0u) | (modes.poison ? poison_bit : 0u);
}

stress_modes from_bits(unsigned bits) noexcept {
    return {.move = (bits & move_bit) != 0, .link = (bits & link_bit) != 0, .poison = (bits & poison_bit) != 0};
}

constinit std::atomic<unsigned> current{0};

// Before other static objects: they may create coroutines.
[[gnu::constructor(102)]] void read_environment() noexcept { current = to_bits(modes_from_environment()); }

} // namespace

stress_modes set_stress(stress_modes modes) noexcept {
    return from_bits(current.exchange(to_bits(modes)));
}

stress_modes stress() noexcept { return from_bits(current.load(std::memory_order_relaxed)); }

namespace grow {

bool is_poisoning() noexcept { return (current.load(std::memory_order_relaxed) & poison_bit) != 0; }

} // namespace grow
} // namespace growstack
