// The C++ runtime keeps this about exceptions for each thread, though it belongs to the coroutine.
//
// A coroutine may yield inside a catch block or a destructor, so each switch exchanges this state.
// Source: __cxa_eh_globals of the Itanium C++ ABI, section 2.2.2.
#pragma once

namespace growstack::detail {

struct exception_state {
    void* caught;       // innermost caught exception, a list through the heap
    unsigned in_flight; // thrown, not caught yet: std::uncaught_exceptions()
    unsigned padding;   // of the ABI's struct: the exchange moves 16 bytes at a time
};

static_assert(sizeof(exception_state) == 16);

} // namespace growstack::detail
