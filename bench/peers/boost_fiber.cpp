// Peer: boost::fibers, which has a scheduler: a yield goes through it to the other fiber, and a pair is two of those.
#include "measure.hpp"

#include <boost/fiber/all.hpp>

namespace fibers = boost::fibers;

int main() {
    bool is_over = false;
    fibers::fiber other{[&] {
        while (!is_over) boost::this_fiber::yield();
    }};
    peers::measure("switch", "boost_fibers", "pair", [] { boost::this_fiber::yield(); });
    is_over = true;
    other.join();
    peers::measure("create", "boost_fibers", "run", [] { fibers::fiber{[] {}}.join(); });
    peers::measure("create", "boost_fibers", "yield", [] { fibers::fiber{[] { boost::this_fiber::yield(); }}.join(); });
}
