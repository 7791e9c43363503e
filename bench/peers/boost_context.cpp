// Peer: boost::context::fiber on each of Boost's stacks. The protected one, mapped afresh, is also what growth costs
// where the kernel does it: a page fault for each page.
#include "depth.hpp"

#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>

namespace {

namespace context = boost::context;

template <class Allocator>
void measure(const char* peer) {
    Allocator allocator{64 << 10};
    context::fiber other{std::allocator_arg, allocator, [](context::fiber&& caller) {
                             for (;;) caller = std::move(caller).resume();
                             return std::move(caller);
                         }};
    peers::measure("switch", peer, "pair", [&] { other = std::move(other).resume(); });
    peers::measure("create", peer, "run", [&] {
        context::fiber{std::allocator_arg, allocator, [](context::fiber&& caller) { return std::move(caller); }}
            .resume();
    });
    peers::measure("create", peer, "yield", [&] {
        context::fiber once{std::allocator_arg, allocator,
                            [](context::fiber&& caller) { return std::move(caller).resume(); }};
        once = std::move(once).resume();
        std::move(once).resume();
    });
}

void measure_page_faults(const char* peer) {
    peers::measure_growth(peer, [](std::size_t bytes, auto body) {
        context::fiber{std::allocator_arg, context::protected_fixedsize_stack{bytes + (64 << 10)},
                       [&](context::fiber&& caller) {
                           body();
                           return std::move(caller);
                       }}
            .resume();
    });
}

} // namespace

int main() {
    measure<context::fixedsize_stack>("boost_fiber_fixedsize");
    measure<context::protected_fixedsize_stack>("boost_fiber_protected");
    measure<context::pooled_fixedsize_stack>("boost_fiber_pooled");
    measure_page_faults("boost_fiber_protected");
}
