// Vector registers across a fault: each width that the processor has.
#include "vectors.hpp"

#include "grow.hpp"

namespace {

void check(bool is_supported, bool (*copies_pointers)(), bool (*keeps_sums)(), bool (*repoints_registers)()) {
    if (!is_supported) return;
    CHECK(guard::is_right_everywhere(copies_pointers));
    CHECK(guard::is_right_everywhere(keeps_sums));
    CHECK(guard::is_right_everywhere(repoints_registers));
}

} // namespace

TEST_CASE("128-bit registers keep sums and pointers when the stack grows in the middle of a loop") {
    check(true, guard::vectors_128::copies_pointers, guard::vectors_128::keeps_sums,
          guard::vectors_128::repoints_registers);
}

TEST_CASE("256-bit registers keep sums and pointers when the stack grows in the middle of a loop") {
    check(__builtin_cpu_supports("avx2"), guard::vectors_256::copies_pointers, guard::vectors_256::keeps_sums,
          guard::vectors_256::repoints_registers);
}

TEST_CASE("512-bit registers keep sums and pointers when the stack grows in the middle of a loop") {
    check(__builtin_cpu_supports("avx512f"), guard::vectors_512::copies_pointers, guard::vectors_512::keeps_sums,
          guard::vectors_512::repoints_registers);
}
