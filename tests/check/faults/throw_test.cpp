// Fault handlers that throw. Compiled with -fnon-call-exceptions, which only GCC has.
#include "support.hpp"

#include <stdexcept>
#include <string>

namespace {

struct fault_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

void throw_fault_error(int, siginfo_t*, void*) { throw fault_error{"a fault"}; }

struct counts_destruction {
    int& count;
    ~counts_destruction() { ++count; }
};

[[gnu::noinline]] char read_at_depth(int levels, int& destroyed) {
    const counts_destruction local{destroyed};
    if (levels) return read_at_depth(levels - 1, destroyed);
    return faults::read_byte(0);
}

} // namespace

TEST_CASE_TEMPLATE("what a fault handler throws is caught where the fault was", Place, GROWSTACK_EACH_PLACE) {
    CHECK(faults::is_right_in_child([] {
        faults::set_handler_behind(SIGSEGV, throw_fault_error, SA_NODEFER);
        int caught = 0, destroyed = 0;
        faults::run_at<Place>([&] {
            for (int i = 0; i < 20; ++i) {
                try {
                    read_at_depth(20, destroyed);
                } catch (const fault_error& e) {
                    caught += std::string{e.what()} == "a fault";
                }
            }
        });
        return caught == 20 && destroyed == 20 * 21 && !faults::is_blocked(SIGSEGV);
    }));
}
