// The callees of vectors.hpp, for one width.
#include "vectors.hpp"

#include "../stack_use.hpp"
#include "abi_callees.hpp"

// Their frames must need growth.
GROWSTACK_ALL_ON_NATIVE_STACK

namespace vectors {

template <std::size_t frame_bytes>
numbers WITH_BITS(weighted_sum_)(numbers a, numbers b, numbers c, numbers d, numbers e, numbers f, numbers g, numbers h,
                                 numbers i, numbers j) {
    const test::frame<frame_bytes> here;
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}

template <std::size_t frame_bytes>
bool WITH_BITS(are_pointers_)(const void* of, words a, words b, words c, words d, words e, words f, words g, words h,
                              words i, words j) {
    const test::frame<frame_bytes> here;
    const words all[10] = {a, b, c, d, e, f, g, h, i, j};
    bool is_right = true;
    auto expected = reinterpret_cast<std::uintptr_t>(of);
    for (const words& v : all)
        for (std::size_t lane = 0; lane < lanes; ++lane, ++expected) is_right = is_right && v[lane] == expected;
    return is_right;
}

#define GROWSTACK_INSTANCES(N)                                                                                     \
    template numbers WITH_BITS(weighted_sum_)<N>(numbers, numbers, numbers, numbers, numbers, numbers, numbers,    \
                                                 numbers, numbers, numbers);                                       \
    template bool WITH_BITS(are_pointers_)<N>(const void*, words, words, words, words, words, words, words, words, \
                                              words, words);

GROWSTACK_INSTANCES(callee::small_frame)
GROWSTACK_INSTANCES(callee::page_frame)
GROWSTACK_INSTANCES(callee::huge_frame)

} // namespace vectors

GROWSTACK_AS_BUILT
