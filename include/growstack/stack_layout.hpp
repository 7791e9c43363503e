// The two ways in which stacks lie in memory.
#pragma once

namespace growstack {

enum class stack_layout : unsigned char {
    guarded, ///< a guard page and a growth room below each stack, which is 4 KiB at least
    dense,   ///< up to 16 KiB, without a guard: 1 KiB and 2 KiB stacks share pages. Larger ones are guarded
};

} // namespace growstack
