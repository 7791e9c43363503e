// The record of one native stack: where its memory is, how it grows, and where it stands while it does not run.
//
// In two parts. `stack` lies outside the stack that it describes, so it stays put when the stack moves: what a switch
// and a failed check need. `stack_books` lies at the high end of the stack's first memory and moves with it: what is
// rarely asked for. Of a million suspended coroutines each byte of the first is paid for; the second lies in a page
// that is there anyway.
#pragma once

#include <growstack/detail/arch.hpp>
#include <growstack/detail/bounds.hpp>
#include <growstack/detail/chunk.hpp>
#include <growstack/detail/config.hpp>
#include <growstack/detail/exception_state.hpp>
#include <growstack/stack_layout.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace growstack::grow {

struct alloca_block;
struct root_slot;
struct stack;

/// How a kind of stack answers a failed check.
struct policy {
    unsigned index;
    const char* name;
    bool is_movable;
    /// Makes room for a frame of frame_bytes below frame.callee_sp(), or throws stack_overflow.
    check_result (*make_room)(stack& self, check_frame& frame, std::size_t frame_bytes, std::size_t arg_bytes);
};

inline constexpr unsigned policy_count = 4;

extern const policy contiguous_policy;
extern const policy segmented_policy;
extern const policy reserved_policy;
extern const policy fixed_policy;

/// What a stack was created with, shared by all stacks that have the same: its policy, and sizes in bytes, checked and
/// rounded copies of growstack::stack_options.
struct stack_sizes {
    const policy* kind = nullptr; // null: a thread's own stack
    std::size_t headroom_bytes = 0;
    std::size_t initial_bytes = 0;
    std::size_t max_bytes = 0;
    std::size_t chunk_bytes = 0;
    std::size_t room_bytes = 0;
    std::size_t non_split_bytes = 0;
    bool keep_chunk = false;
    bool move_at_guard = false;
    unsigned char check_reasons = 0; // that hold from the start: hard modes
    bool shrink_on_yield = false;
    stack_layout layout = stack_layout::guarded; // of the first memory; chunks are guarded

    /// While an overflow is being unwound.
    std::size_t least_headroom_bytes() const noexcept {
        return layout == stack_layout::dense ? detail::smallest_dense_headroom_bytes : detail::smallest_headroom_bytes;
    }
};

inline constexpr stack_sizes no_sizes{}; // of threads' own stacks

/// Why every check of a stack is to fail: bits of stack::check_reasons.
enum check_reason : unsigned char {
    moves_always = 1,     // hard mode
    links_always = 2,     // hard mode
    shrink_requested = 4, // at the next check
    overflow_pending = 8, // to be thrown at the next call whose caller expects exceptions
};

/// Counts of what growth has done to one stack. Bytes are of stack memory, headroom and open rooms included.
struct growth_counts {
    std::size_t moves = 0;
    std::size_t bytes_copied = 0;
    std::size_t guard_faults = 0;
    std::size_t peak_stack_bytes = 0;
};

/// At the high end of a stack's first memory; frames grow down from there.
struct stack_books {
    static constexpr std::uintptr_t whole =
        0x6b63617473776f72; // "rowstack"; the mark is 0 in memory that is a stack's no more

    growth_counts counts;
    std::size_t stack_bytes = 0;
    std::uintptr_t opened_lo = 0; // of the growth room below the memory: what is open begins here; 0: none of it
    alloca_block* allocas = nullptr;
    bounds attached;                  // memory outside the stack that may point into it: the body and its captures
    stack* destroyer = nullptr;       // who destroys it: a forced unwind is on its way, and it must not yield
    std::uintptr_t jump_pin = 0;      // the high end of a frame that has called setjmp with a buffer elsewhere; it pins
    std::uintptr_t jump_function = 0; // whose frame that is
    void* sanitizer_state = nullptr;  // AddressSanitizer's, while it does not run; or ThreadSanitizer's fiber

    // The family: stacks created by code running on a movable stack may point into it (src/stack/family.cpp).
    stack* creator = nullptr;
    stack* first_dependent = nullptr;
    stack* next_sibling = nullptr;
    stack* previous_sibling = nullptr;
    root_slot* roots = nullptr; // that point into this stack (src/stack/root_slots.cpp)

    alignas(16) stack* self = nullptr;
    std::uintptr_t mark = whole; // the topmost word: what runs over the end of a dense stack above changes it first
};

struct stack {
    // Read and written by __morestack.
    chunk* ready = nullptr; // kept chunk that a failed check enters without asking
    chunk* top = nullptr;   // innermost linked chunk; null: running on `memory`
    std::size_t chunks_linked = 0;
    bounds memory; // the first, or only, piece; hi is 0: given back

    // Read and written at each switch.
    stack* resumer = nullptr;             // who gets control back at a yield; null: suspended; itself: dead
    std::uintptr_t limit = 0;             // the thread's limit slot while this stack runs
    void* context = nullptr;              // while it does not run: its fcontext, which is its sp
    detail::exception_state exceptions{}; // while it does not run
    std::uintptr_t shrink_above =
        UINTPTR_MAX; // suspended with sp above this, less than a quarter is used; 0: see reserve.hpp
    const stack_sizes* sizes = &no_sizes;
    unsigned pins = 0;                // while there are any, it must not move
    unsigned char shallow_yields = 0; // since the stack moved last
    unsigned char check_reasons = 0;
    bool has_started : 1 = false;
    bool is_limit_lowered : 1 = false; // an overflow is being unwound: destructors may use most of the headroom
    bool has_jump_buffers : 1 = false; // setjmp was called with a buffer on this stack
    bool has_body : 1 = false;         // for whoever made this stack: a callable is attached

    const policy* kind() const noexcept { return sizes->kind; }

    /// Precondition: the memory has not been given back, and is no thread's own.
    stack_books& books() noexcept { return reinterpret_cast<stack_books*>(memory.hi)[-1]; }
    const stack_books& books() const noexcept { return reinterpret_cast<const stack_books*>(memory.hi)[-1]; }

    growth_counts counts() const noexcept {
        growth_counts last;
        std::memcpy(&last, memory.hi ? static_cast<const void*>(&books().counts) : &limit, sizeof last);
        return last;
    }

    /// Before the memory is given back, with the books: `limit` and what follows are not needed any more.
    void keep_counts() noexcept { std::memcpy(static_cast<void*>(&limit), &books().counts, sizeof(growth_counts)); }

    /// Where the first frame begins.
    std::uintptr_t frames_hi() const noexcept { return memory.hi - sizeof(stack_books); }

    /// Returns the memory that the innermost frames are on.
    const bounds& innermost() const noexcept { return top ? top->memory : memory; }

    /// Returns where the open part of the growth room below innermost() begins; 0: none of it is open.
    std::uintptr_t& innermost_opened_lo() noexcept { return top ? top->opened_lo : books().opened_lo; }

    /// Returns the lowest sp that frames on the innermost memory may have.
    std::uintptr_t lowest_sp() const noexcept {
        return innermost().lo + (is_limit_lowered ? sizes->least_headroom_bytes() : sizes->headroom_bytes);
    }

    /// Sets `limit` to lowest_sp(), or to a value that makes every check fail.
    std::uintptr_t update_limit() noexcept {
        return limit = check_reasons && !is_limit_lowered ? detail::limit_check_always : lowest_sp();
    }

    bool is_suspended() const noexcept { return !resumer; }
    bool is_dead() const noexcept { return resumer == this; }

    bool has(check_reason reason) const noexcept { return (check_reasons & reason) != 0; }
    void add(check_reason reason) noexcept { check_reasons |= reason; }
    void remove(check_reason reason) noexcept { check_reasons &= static_cast<unsigned char>(~reason); }

    /// Says if a frame of frame_bytes fits below sp.
    bool has_room(std::uintptr_t sp, std::size_t frame_bytes) const noexcept {
        return sp >= lowest_sp() && sp - lowest_sp() >= frame_bytes;
    }
};

/// Aborts with a message if something ran over the end of the dense stack above this one.
void check_mark(const stack& self) noexcept;

/// Gives back all memory of a stack that no code runs on any more, and takes it out of its family.
void release_stack(stack& self) noexcept;

/// Notes that a contiguous stack has yielded with less than a quarter in use: shrinks it, if its options say so;
/// otherwise asks the next check to do it, when that has happened often enough. Or that the switch has opened its
/// reserve.
void note_yield(stack& self) noexcept;

/// Moves a contiguous stack that does not run to half its size while under a quarter is used. Returns whether it moved.
bool shrink_suspended(stack& self) noexcept;

/// Moves a contiguous stack that does not run so that so many bytes fit below its frames. Returns whether they do.
bool grow_suspended(stack& self, std::size_t bytes) noexcept;

/// Gives memory that a stack which does not run has no frames on back to the system.
void trim_suspended(stack& self) noexcept;

/// The same but for a kept chunk. Takes no lock.
void trim_suspended_pieces(stack& self) noexcept;

static_assert(offsetof(stack, shrink_above) - offsetof(stack, limit) == sizeof(growth_counts));
static_assert(offsetof(stack, exceptions) % 16 == 0, "a switch moves it by 16 bytes");
static_assert(sizeof(stack_books) % 16 == 0, "sp is aligned below it");
static_assert(offsetof(stack_books, mark) == sizeof(stack_books) - sizeof(std::uintptr_t));

} // namespace growstack::grow
