// Asks AddressSanitizer, and tells it, at run time: the library itself is never instrumented.
#pragma once

#include <growstack/detail/bounds.hpp>

namespace growstack::grow {

/// Says if the program runs under AddressSanitizer. The following functions do nothing where it does not.
bool has_address_sanitizer_runtime() noexcept;

/// The code is going to run in `to`. What must be known of the stack that is left goes to *state; null: it dies.
void start_switch(void** state, bounds to) noexcept;

/// It runs there, where *state was left before. Returns the memory that it came from.
bounds finish_switch(void* state) noexcept;

/// `memory` is reused: what frames marked in it no longer counts.
void forget_frames(bounds memory) noexcept;

} // namespace growstack::grow
