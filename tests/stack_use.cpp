// The parts of support.hpp that use stack as ordinary checked code does.
#include "support.hpp"

namespace test {

std::size_t recurse(std::size_t levels, void (*f)(void*), void* argument) {
    volatile std::size_t frame[8];
    frame[levels % 8] = levels;
    // In a safe build the frame lies on the escape stack. This does not, for nothing else knows where it is.
    volatile std::size_t native[test::is_safe_build ? 8 : 1] = {levels};
    if constexpr (test::is_safe_build) {
        native[1] = native[2] = native[3] = levels; // each by itself, or an address would be computed
        native[4] = native[5] = native[6] = native[7] = levels;
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
