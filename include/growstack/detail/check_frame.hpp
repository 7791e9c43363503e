// What a failed check leaves on its stack, and where the call continues after it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace growstack::grow {

struct chunk;

/// What __morestack leaves on the stack that it was called on, low address first. Integer registers that may hold
/// pointers into the stack lie here, so moving the stack re-points them with everything else.
struct check_frame {
    std::uintptr_t padding;
    std::uintptr_t r15, r14, r13, r12, rbx;
    std::uintptr_t r9, r8, rcx, rdx, rsi, rdi, rax;
    union {
        chunk* entered;         // chunk that the callee runs on, if one was linked
        std::size_t lowered_by; // of an alloca: bytes by which the caller's sp comes back lower
    };
    std::uintptr_t limit; // limit when the check failed; restored when the callee returns from a chunk
    std::uintptr_t rbp;
    std::uintptr_t check_address;  // after the prologue's call of __morestack
    std::uintptr_t return_address; // the callee's; its stack arguments lie above

    /// Returns sp as the failed check saw it.
    std::uintptr_t callee_sp() const noexcept { return reinterpret_cast<std::uintptr_t>(&return_address); }
};

/// Where a call continues after its check: `frame` is where the check's frame lies now (it may have moved);
/// `callee_sp` is null if the callee runs there, else the sp in a chunk on which __morestack must call it.
struct check_result {
    check_frame* frame;
    void* callee_sp;
};

static_assert(offsetof(check_frame, rax) == 120 - 24);
static_assert(offsetof(check_frame, entered) == 120 - 16);
static_assert(offsetof(check_frame, limit) == 120 - 8);
static_assert(offsetof(check_frame, rbp) == 120);

} // namespace growstack::grow
