// Hard modes: make every check do the rarest thing, so that any program linked with the library can be tortured.
#pragma once

namespace growstack {

/// Set by this struct or, at program start, by the environment: GROWSTACK_STRESS=move,link,poison,fault.
struct stress_modes {
    bool move = false;   ///< contiguous_stack moves at every check, even where there is room
    bool link = false;   ///< segmented_stack links a new chunk at every check; contiguous_stack does too
    bool poison = false; ///< freed stacks are filled with 0xfc
    bool fault =
        false; ///< where a contiguous stack was before it moved, the next touch ends the program with a message
};

/// Switches modes from now on, for coroutines that are created afterwards. Returns the modes before.
stress_modes set_stress(stress_modes modes) noexcept;

stress_modes stress() noexcept;

} // namespace growstack
