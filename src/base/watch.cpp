// The list of watchers.
#include "base/watch.hpp"
#include "base/outward_call.hpp"

#include <atomic>

extern "C" {
unsigned char growstack_is_observed = 0;
}

namespace growstack::grow {
namespace {

constinit std::atomic<watcher> watchers[3] = {};

} // namespace

void watch(watch_place place, watcher w) noexcept {
    watchers[static_cast<unsigned>(place)].store(w);
    bool any = false;
    for (const std::atomic<watcher>& other : watchers) any |= other.load() != nullptr;
    __atomic_store_n(&growstack_is_observed, any, __ATOMIC_RELAXED);
}

void tell_watchers(const growth_step& step) noexcept {
    const outward_call outward;
    for (const std::atomic<watcher>& w : watchers)
        if (const watcher hears = w.load()) hears(step);
}

} // namespace growstack::grow
