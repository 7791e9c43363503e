// Arguments in vector registers arrive on every way that a failed check can go.
#include "../support.hpp"

#include "../abi_callees.hpp"

#include <csetjmp>

namespace {

using test::number;

bool doubles_arrive() {
    const auto n = static_cast<double>(number(1));
    return callee::many_doubles<callee::page_frame>(n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 * n) == 506;
}

std::jmp_buf global_env;

} // namespace

TEST_CASE_TEMPLATE("doubles arrive while a jmp_buf outside the stack pins it", Kind, GROWSTACK_EACH_GROWING_KIND) {
    int right = 0;
    test::run<Kind>([&right] {
        if (setjmp(global_env)) return;
        for (std::size_t room = 0; room < 8192; room += 512)
            test::with_room(room, [&right] { right += doubles_arrive(); });
    });
    CHECK(right == 16);
}
