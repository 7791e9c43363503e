// The messages.
#include "fatal.hpp"

#include <cstdio>
#include <cstdlib>

namespace growstack::detail {
namespace {

[[noreturn]] void report_and_abort(const grow::stack& self, const char* text) noexcept {
    std::fprintf(stderr, "growstack: coroutine %p (%s): %s\n", static_cast<const void*>(&self), self.kind->name, text);
    std::abort();
}

} // namespace

void fatal_destroyed_while_active(const grow::stack& self) noexcept {
    report_and_abort(self, "destroyed while it runs or waits for a coroutine that it resumed; "
                           "let it yield or end before its handle is destroyed");
}

void fatal_yield_while_unwinding(const grow::stack& self) noexcept {
    report_and_abort(self, "yield() while its stack is being unwound; "
                           "a destructor must not yield when its coroutine is destroyed");
}

void fatal_unwind_lost(const grow::stack& self) noexcept {
    report_and_abort(self, "the unwinder did not reach the coroutine's first function; "
                           "is there code without unwind tables (-fno-asynchronous-unwind-tables) on its stack?");
}

} // namespace growstack::detail
