// The parts of support.hpp that use stack as ordinary checked code does.
#include "support.hpp"

void test::use_stack(std::size_t bytes) {
    constexpr std::size_t frame_bytes = 100; // at_depth's frames are at least 64, with what the call adds
    at_depth(bytes / frame_bytes + 1, [] {});
}
