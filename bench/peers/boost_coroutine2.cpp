// Peer: boost::coroutines2, with its default stacks.
#include "measure.hpp"

#include <boost/coroutine2/all.hpp>

namespace {

using coroutine = boost::coroutines2::coroutine<void>;

} // namespace

int main() {
    coroutine::pull_type other{[](coroutine::push_type& yield) {
        for (;;) yield();
    }};
    peers::measure("switch", "boost_coroutine2", "pair", [&] { other(); });
    peers::measure("create", "boost_coroutine2", "run", [] { coroutine::push_type{[](coroutine::pull_type&) {}}(); });
    peers::measure("create", "boost_coroutine2", "yield", [] {
        coroutine::push_type once{[](coroutine::pull_type& yield) { yield(); }};
        once();
        once();
    });
}
