// A library with probes of its own, for module_test.cpp.
#include <growstack/call.hpp>

namespace {

[[gnu::noinline]] long descend(long levels) {
    volatile long frame[60];
    frame[levels % 60] = levels;
    const long below = levels ? growstack::call<1500>(descend, levels - 1) : 0;
    return below + (frame[levels % 60] == levels);
}

} // namespace

extern "C" [[gnu::visibility("default")]] long descend_in_module(long levels) { return descend(levels); }
