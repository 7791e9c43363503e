// The interrupted code, as a signal handler sees it and may change it: registers in the kernel's signal frame.
#pragma once

#include <growstack/detail/arch.hpp>
#include <growstack/detail/bounds.hpp>

#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <span>

namespace growstack::grow {

using detail::red_zone_bytes;

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

    /// Says if the kernel could not write a signal frame: a SIGSEGV without an address, and the signal is forgotten. So
    /// is one for an address that is not canonical, which the processor itself refuses.
    bool is_lost_signal(const siginfo_t& info) const noexcept {
        return info.si_code == SI_KERNEL && reg(REG_TRAPNO) != 13;
    }

    /// A loop of -fstack-clash-protection touches a large frame page by page, down to this address: where the stack is
    /// going to be. 0 if the interrupted instruction is in no such loop.
    std::uintptr_t end_of_probing() const noexcept {
        const int index = probing_register();
        return index < 0 ? 0 : reg(index);
    }

    /// Valgrind lowers sp before a push or a call stores, and counts before a repeated store. Undoes that, for the
    /// instruction will be run again.
    void undo_half_of_instruction(std::uintptr_t touched) noexcept;

    /// Calls visit(value) for each general register.
    template <class Visit>
    void for_each_register(Visit visit) const noexcept {
        for (int index = REG_R8; index <= REG_RSP; ++index) visit(reg(index));
    }

    /// Re-points the general and vector registers, by `moved` and then by each of `forms`. A probing loop's end moves
    /// along, though it may lie below the stack.
    void move(const displacement& moved, std::span<const displacement> forms) noexcept;

private:
    void adjust(const displacement& moved) noexcept;
    int probing_register() const noexcept; // that holds the loop's end; -1: there is no loop

    std::uintptr_t reg(int index) const noexcept {
        return static_cast<std::uintptr_t>(context_.uc_mcontext.gregs[index]);
    }

    ucontext_t& context_;
};

} // namespace growstack::grow
