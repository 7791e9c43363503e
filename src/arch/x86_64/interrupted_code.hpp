// What a signal handler sees of the interrupted code, and may change: registers in the kernel's signal frame.
#pragma once

#include <growstack/detail/bounds.hpp>

#include <ucontext.h>

#include <cstdint>

namespace growstack::grow {

/// Functions may touch so many bytes below sp.
inline constexpr std::size_t red_zone_bytes = 128;

class interrupted_code {
public:
    explicit interrupted_code(void* context) noexcept : context_{*static_cast<ucontext_t*>(context)} {}

    std::uintptr_t ip() const noexcept { return reg(REG_RIP); }
    std::uintptr_t sp() const noexcept { return reg(REG_RSP); }
    void continue_at(std::uintptr_t ip) noexcept { context_.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(ip); }

    /// Says if it was a handler on the thread's alternate stack, not the code that runs on a coroutine's.
    bool is_on_alternate_stack() const noexcept {
        return sp() - reinterpret_cast<std::uintptr_t>(context_.uc_stack.ss_sp) < context_.uc_stack.ss_size;
    }

    /// Says if the processor itself refused the address: it was not canonical.
    bool is_general_protection() const noexcept { return reg(REG_TRAPNO) == 13; }

    /// A loop of -fstack-clash-protection touches a large frame page by page, down to the address in this register:
    /// where the stack is going to be. Null if the interrupted instruction is in no such loop.
    greg_t* end_of_probing() noexcept;

    /// Valgrind lowers sp before a push or a call stores, and counts before a repeated store. Undoes that, for the
    /// instruction will be run again.
    void undo_half_of_instruction(std::uintptr_t touched) noexcept;

    /// Calls visit(value) for each general register.
    template <class Visit>
    void for_each_register(Visit visit) const noexcept {
        for (int index = REG_R8; index <= REG_RSP; ++index) visit(reg(index));
    }

    /// Re-points the general and vector registers.
    void adjust(const displacement& moved) noexcept;

private:
    std::uintptr_t reg(int index) const noexcept {
        return static_cast<std::uintptr_t>(context_.uc_mcontext.gregs[index]);
    }

    ucontext_t& context_;
};

} // namespace growstack::grow
