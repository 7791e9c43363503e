// The record of one native stack: where its memory is, how it grows, and where it stands while it does not run.
//
// In two parts. `stack` lies outside the stack that it describes, so it stays put when the stack moves: what a switch
// and a failed check need. `stack_books` lies at the high end of the stack's first memory and moves with it: what is
// rarely asked for. `stack` costs memory for each coroutine; `stack_books` is free, because it lies in a page that the
// stack uses anyway.
#pragma once

#include <growstack/detail/chunk.hpp>
#include <growstack/detail/exception_state.hpp>
#include <growstack/detail/policy.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace growstack::grow {

struct alloca_block;
struct escape_piece;
struct root_slot;
struct stack;

/// What a stack is in: bits of stack::state. The words that hot paths compare (limit, note_yield_above) follow from
/// them.
enum state_bit : unsigned short {
    moves_always = 1,     // hard mode
    links_always = 2,     // hard mode
    shrink_requested = 4, // at the next check
    overflow_waits = 8,   // to be thrown at the next call whose caller expects exceptions
    escape_is_low = 16,   // of a safe build: each check looks at what is left of the escape stack
    fails_checks = 31,    // any of the five: every check of the stack is to fail
    overflow_unwinds =
        32, // an overflow is on its way: destructors may use most of the headroom, and checks fail only there
    has_jump_buffers = 64, // setjmp was called with a buffer on this stack
    has_body = 128,        // for whoever made this stack: a callable is attached
    has_started = 256,
    has_ended = 512,
    spare_is_open = 1024,   // below the growth room: see detail/spare.hpp
    has_more_escape = 2048, // than one piece of an escape stack
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

    escape_piece* escape = nullptr; // the newest piece of its escape stack; null: it has none
    std::uintptr_t escape_hi = 0;   // of the first piece: where escaping variables begin
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
    chunk* ready = nullptr;           // kept chunk that a failed check enters without asking
    chunk* innermost_chunk = nullptr; // that is linked; null: running on `memory`
    std::size_t chunks_linked = 0;
    bounds memory; // the first, or only, piece; hi is 0: given back

    // Read and written at each switch. Where the memory has been given back, they are the last counts.
    stack* resumer = nullptr; // who gets control back at a yield; null: suspended. Of one that has ended: the last one
    union {
        std::uintptr_t limit = 0; // the thread's limit slot while this stack runs
        std::size_t last_moves;
    };
    union {
        void* context = nullptr; // while it does not run: its fcontext, which is its sp
        std::size_t last_bytes_copied;
    };
    union {
        detail::exception_state exceptions{}; // while it does not run
        std::size_t last_faults_and_peak[2];
    };
    std::uintptr_t note_yield_above = UINTPTR_MAX; // where it yields with sp above this, resume calls note_yield()
    const stack_sizes* sizes = &no_sizes;
    std::uintptr_t escape_pointer = 0; // while it does not run: where its escape stack stands; 0: it has none
    unsigned pins = 0;                 // while there are any, it must not move
    unsigned char shallow_yields = 0;  // since the stack moved last
    unsigned short state = 0;          // of state_bit

    const grow::policy* policy() const noexcept { return sizes->policy; }

    /// Precondition: the memory has not been given back, and is no thread's own.
    stack_books& books() noexcept { return reinterpret_cast<stack_books*>(memory.hi)[-1]; }
    const stack_books& books() const noexcept { return reinterpret_cast<const stack_books*>(memory.hi)[-1]; }

    growth_counts counts() const noexcept {
        if (memory.hi) return books().counts;
        return {last_moves, last_bytes_copied, last_faults_and_peak[0], last_faults_and_peak[1]};
    }

    /// Before the memory is given back, with the books.
    void keep_counts() noexcept {
        const growth_counts last = books().counts;
        last_moves = last.moves;
        last_bytes_copied = last.bytes_copied;
        last_faults_and_peak[0] = last.guard_faults;
        last_faults_and_peak[1] = last.peak_stack_bytes;
    }

    /// Keeps the books when the stack's memory grows by `more` and shrinks by `less` bytes.
    void count_bytes(std::size_t more, std::size_t less) noexcept {
        stack_books& b = books();
        b.stack_bytes += more;
        if (b.stack_bytes > b.counts.peak_stack_bytes) b.counts.peak_stack_bytes = b.stack_bytes;
        b.stack_bytes -= less;
    }

    /// Where the first frame begins.
    std::uintptr_t frames_hi() const noexcept { return memory.hi - sizeof(stack_books); }

    /// Returns the memory that the innermost frames are on.
    const bounds& innermost() const noexcept { return innermost_chunk ? innermost_chunk->memory : memory; }

    /// Returns the lowest sp that frames on the innermost memory may have.
    std::uintptr_t lowest_sp() const noexcept {
        return innermost().lo + (has(overflow_unwinds) ? sizes->least_headroom_bytes() : sizes->headroom_bytes);
    }

    /// Sets `limit` to lowest_sp(), or to a value that makes every check fail.
    std::uintptr_t update_limit() noexcept {
        return limit = has(fails_checks) && !has(overflow_unwinds) ? detail::limit_check_always : lowest_sp();
    }

    bool is_suspended() const noexcept { return !resumer; }
    bool is_dead() const noexcept { return has(has_ended); }

    /// Says if the stack is as it was when it was made, but for the body that ran: the next coroutine may have it.
    bool is_as_new() const noexcept {
        const stack_books& b = books();
        const bool is_alone = !pins && !b.jump_pin && !b.creator && !b.first_dependent && !b.roots;
        return is_alone && (state & ~(has_started | has_ended | has_body)) == sizes->state &&
               b.mark == stack_books::whole &&
               b.counts.peak_stack_bytes == sizes->initial_bytes; // nothing moved, linked, opened or allocated
    }

    bool has(state_bit bit) const noexcept { return (state & bit) != 0; }
    void add(state_bit bit) noexcept { state = static_cast<unsigned short>(state | bit); }
    void remove(state_bit bit) noexcept { state = static_cast<unsigned short>(state & ~bit); }

    /// Says if a frame of frame_bytes fits below sp.
    bool has_room(std::uintptr_t sp, std::size_t frame_bytes) const noexcept {
        return sp >= lowest_sp() && sp - lowest_sp() >= frame_bytes;
    }
};

static_assert(offsetof(stack, exceptions) % 16 == 0, "a switch moves it by 16 bytes");
static_assert(sizeof(stack_books) % 16 == 0, "sp is aligned below it");
static_assert(offsetof(stack_books, mark) == sizeof(stack_books) - sizeof(std::uintptr_t));

} // namespace growstack::grow
