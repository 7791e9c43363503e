// Writes why the program must end, and ends it.
#include "base/fatal.hpp"
#include "base/message.hpp"
#include "base/read_memory.hpp"

#include <dlfcn.h>

#include <atomic>

namespace growstack {
namespace {

constinit std::atomic<overflow_handler> current_handler{nullptr};

} // namespace

overflow_handler set_overflow_handler(overflow_handler handler) noexcept { return current_handler.exchange(handler); }

namespace detail {
namespace {

message& put_coroutine(message& line, const grow::stack& self) noexcept {
    return line << "growstack: coroutine " << &self << " (" << self.policy()->name << "): ";
}

[[noreturn]] void report_and_abort(const grow::stack& self, const char* text) noexcept {
    message line;
    put_coroutine(line, self) << text;
    line.write_and_abort();
}

} // namespace

void fatal_destroyed_while_active(const grow::stack& self) noexcept {
    report_and_abort(self,
                     "destroyed while it runs or waits for a coroutine that it resumed; "
                     "let it yield or end before its handle is destroyed");
}

void fatal_yield_while_unwinding(const grow::stack& self) noexcept {
    report_and_abort(self,
                     "yield() while its stack is being unwound; "
                     "a destructor must not yield when its coroutine is destroyed");
}

void fatal_unwind_lost(const grow::stack& self) noexcept {
    report_and_abort(self,
                     "the unwinder did not reach the coroutine's first function; "
                     "is there code without unwind tables (-fno-asynchronous-unwind-tables) on its stack?");
}

void fatal_stack_overflow_in_code_without_checks(const overflow_report& report) noexcept {
    if (const overflow_handler handler = current_handler.load()) handler(report);
    message line;
    line << "growstack: stack overflow in coroutine " << report.coroutine << " (" << report.policy
         << "), in code without checks: " << report.depth_bytes << " bytes deep, " << report.stack_bytes
         << " bytes of stack, " << report.max_bytes << " allowed; " << report.advice;
    line.write_and_abort();
}

namespace {

// As addr2line wants it, with the function's name if the program exports it.
message& put_code(message& line, std::uintptr_t address) noexcept {
    Dl_info info;
    if (!::dladdr(reinterpret_cast<void*>(address), &info) || !info.dli_fname)
        return line << reinterpret_cast<void*>(address);
    line << info.dli_fname << "+"
         << reinterpret_cast<void*>(address - reinterpret_cast<std::uintptr_t>(info.dli_fbase));
    if (info.dli_sname) line << " (" << info.dli_sname << ")";
    return line;
}

} // namespace

void fatal_escape_overflow(const overflow_report& report, std::uintptr_t ip) noexcept {
    if (const overflow_handler handler = current_handler.load()) handler(report);
    message line;
    line << "growstack: overflow of the escape stack of coroutine " << report.coroutine << " (" << report.policy
         << "), in code at ";
    put_code(line, ip) << ": a frame does not fit; it has " << report.depth_bytes << " bytes; " << report.advice;
    line.write_and_abort();
}

void fatal_stack_overrun(const grow::stack& self) noexcept {
    report_and_abort(
        self,
        "code without checks ran over the end of its dense stack, into another one; "
        "call it through growstack::native, or this_coroutine::ensure before, or use stack_layout::guarded");
}

void fatal_stack_overwritten(const grow::stack& self, std::uintptr_t hi_above) noexcept {
    grow::stack_books above;
    const bool is_known = read_memory(hi_above - sizeof above, sizeof above, &above) == sizeof above &&
                          above.mark == grow::stack_books::whole;
    message line;
    put_coroutine(line, self)
        << "the high end of its dense stack was overwritten, by code without checks that ran over "
           "the end of the stack above, now ";
    if (is_known) line << "coroutine " << above.self << "'s";
    else line << "free";
    line
        << "; call such code through growstack::native, or this_coroutine::ensure before, or use stack_layout::guarded";
    line.write_and_abort();
}

void fatal_no_room_to_throw(const grow::stack& self) noexcept {
    report_and_abort(
        self,
        "no room to throw on its dense stack, which cannot move now: there is no memory, or an exception is "
        "in flight already; call this_coroutine::ensure before, or use stack_layout::guarded");
}

void fatal_stale_pointer(const grow::former_stack& was, std::uintptr_t touched, std::uintptr_t ip) noexcept {
    message line;
    line << "growstack: stale pointer: code at ";
    put_code(line, ip) << " touched " << reinterpret_cast<void*>(touched) << ", " << was.memory.hi - touched
                       << " bytes below the high end of a stack that coroutine " << was.of << " had before its move "
                       << was.move;
    if (was.code) put_code(line << ", asked for by code at ", was.code);
    else line << ", by shrink()";
    line << "; a growstack::pin keeps it in place, a growstack::root follows it";
    line.write_and_abort();
}

void fatal_jump(const grow::stack& self, const char* where) noexcept {
    message line;
    put_coroutine(line, self)
        << "longjmp " << where
        << "; setjmp and longjmp work within one coroutine, while the function that called setjmp has not returned";
    line.write_and_abort();
}

void fatal_no_jump(const char* name) noexcept {
    message line;
    line << "growstack: the dynamic linker knows no " << name
         << " of the C library's: a statically linked program must not use it";
    line.write_and_abort();
}

void fatal_no_room_for_a_signal_handler(const grow::stack& self) noexcept {
    report_and_abort(self,
                     "the kernel found no room on its stack for a signal handler that lacks SA_ONSTACK, and the "
                     "signal is lost; growstack::handlers_without_altstack() names it");
}

} // namespace detail
} // namespace growstack
