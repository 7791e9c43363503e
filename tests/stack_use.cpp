// The parts of support.hpp that use stack as ordinary checked code does.
#include "support.hpp"

namespace test {

std::size_t recurse(std::size_t levels, void (*f)(void*), void* argument) {
    volatile std::size_t frame[8];
    frame[levels % 8] = levels;
    if constexpr (is_safe_build) { // where the frame lies on the escape stack: this does not, for nobody has its
                                   // address
        [[maybe_unused]] volatile std::size_t native[8] = {levels, levels, levels, levels,
                                                           levels, levels, levels, levels};
    }
    opaque(frame);
    if (!levels) {
        f(argument);
        return 0;
    }
    const std::size_t below = recurse(levels - 1, f, argument);
    opaque(frame);
    return below + (frame[levels % 8] == levels);
}

void use_stack(std::size_t bytes) {
    constexpr std::size_t frame_bytes = 100; // what recurse() takes, or a little less
    recurse(bytes / frame_bytes + 1, [](void*) {}, nullptr);
}

} // namespace test
