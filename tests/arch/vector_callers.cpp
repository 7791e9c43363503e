// The callers of vectors.hpp, for one width.
#include "vectors.hpp"

#include "../stack_use.hpp"
#include "abi_callees.hpp"

namespace vectors {

template <std::size_t frame_bytes>
bool WITH_BITS(arrive_)() {
    numbers ramp;
    for (std::size_t lane = 0; lane < lanes; ++lane)
        ramp[lane] = static_cast<double>(test::number(1) + static_cast<long>(lane));
    prepare_call();
    const numbers sum = WITH_BITS(weighted_sum_)<frame_bytes>(ramp, 2 * ramp, 3 * ramp, 4 * ramp, 5 * ramp, 6 * ramp,
                                                              7 * ramp, 8 * ramp, 9 * ramp, 10 * ramp);
    bool is_right = true;
    for (std::size_t lane = 0; lane < lanes; ++lane)
        is_right = is_right && sum[lane] == 385 * static_cast<double>(lane + 1);
    return is_right;
}

template <std::size_t frame_bytes>
bool WITH_BITS(pointers_arrive_)() {
    char local[10 * lanes] = {};
    test::opaque(local);
    words v[10];
    for (std::size_t i = 0; i < 10; ++i)
        for (std::size_t lane = 0; lane < lanes; ++lane)
            v[i][lane] = reinterpret_cast<std::uintptr_t>(local) + i * lanes + lane;
    prepare_call();
    return WITH_BITS(are_pointers_)<frame_bytes>(local, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]);
}

#define GROWSTACK_INSTANCES(N)             \
    template bool WITH_BITS(arrive_)<N>(); \
    template bool WITH_BITS(pointers_arrive_)<N>();

GROWSTACK_INSTANCES(callee::small_frame)
GROWSTACK_INSTANCES(callee::page_frame)
GROWSTACK_INSTANCES(callee::huge_frame)

} // namespace vectors
