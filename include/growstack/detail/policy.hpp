// A policy as data: what a stack decides when it is full. Nobody asks which policy it is; everybody reads its record.
//
// A new policy is one such record, and one struct like contiguous_stack that names it: docs/design/path-of-a-check.md.
#pragma once

#include <growstack/detail/config.hpp>
#include <growstack/stack_layout.hpp>

#include <cstddef>

namespace growstack::grow {

struct stack;

/// Where a call continues after its check: `frame` is where the check's frame lies now (it may have moved);
/// `callee_sp` is null if the callee runs there, else the sp in a chunk on which __morestack must call it.
struct check_result {
    check_frame* frame;
    void* callee_sp;
};

/// Why a call does not fit.
enum class overflow_reason { fixed_size, reserved_size, max_bytes, no_memory, escape_bytes };

struct policy {
    const char* name;
    unsigned cache_row = 0; // below cache_rows: where a thread keeps ended coroutines. Policies may share one
    bool moves = false;     // to a larger place
    bool links = false;     // chunks
    bool reserves = false;  // max_bytes of address space from the start
    overflow_reason overflow = overflow_reason::max_bytes; // why it is full when it can grow no more
    const char* guard_advice = // what to do where code without checks has filled a stack that does not move
        "only a check can make room: compile that code with -fsplit-stack, or call it through growstack::call";

    /// Makes room for a frame of frame_bytes below frame.callee_sp(), or throws stack_overflow.
    check_result (*make_room)(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t argument_bytes);

    /// Says if its stacks can become larger than they are at the beginning.
    constexpr bool grows() const noexcept { return moves || links; }
};

inline constexpr unsigned cache_rows = 4;

extern const policy contiguous_policy;
extern const policy segmented_policy;
extern const policy reserved_policy;
extern const policy fixed_policy;

/// What a stack was created with, shared by all stacks that have the same: its policy, and sizes in bytes, checked and
/// rounded copies of growstack::stack_options.
struct stack_sizes {
    const grow::policy* policy = nullptr; // null: a thread's own stack
    std::size_t headroom_bytes = 0;
    std::size_t initial_bytes = 0;
    std::size_t max_bytes = 0;
    std::size_t chunk_bytes = 0;
    std::size_t room_bytes = 0;
    std::size_t non_split_bytes = 0;
    std::size_t escape_bytes = 0;
    bool keep_chunk = false;
    bool move_at_guard = false;
    bool shrink_on_yield = false;
    unsigned short state = 0;                    // what stacks begin with: bits for hard modes
    stack_layout layout = stack_layout::guarded; // of the first memory; chunks are guarded

    /// While an overflow is being unwound.
    std::size_t least_headroom_bytes() const noexcept {
        return layout == stack_layout::dense ? detail::smallest_dense_headroom_bytes : detail::smallest_headroom_bytes;
    }
};

inline constexpr stack_sizes no_sizes{}; // of threads' own stacks

} // namespace growstack::grow
