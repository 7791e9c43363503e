// AddressSanitizer's functions. They are weak references: null in programs without it.
#include "sanitizer/address.hpp"
#include "base/modes.hpp"

#include <cstddef>

extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** save, const void* lo, std::size_t bytes);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* saved, const void** lo, std::size_t* bytes);
}

namespace growstack::grow {

bool has_address_sanitizer_runtime() noexcept { return __sanitizer_start_switch_fiber; }

void start_switch(void** state, bounds to) noexcept {
    if (has_address_sanitizer_runtime())
        __sanitizer_start_switch_fiber(state, reinterpret_cast<const void*>(to.lo), to.bytes());
}

bounds finish_switch(void* state) noexcept {
    const void* lo = nullptr;
    std::size_t bytes = 0;
    if (has_address_sanitizer_runtime()) __sanitizer_finish_switch_fiber(state, &lo, &bytes);
    return {reinterpret_cast<std::uintptr_t>(lo), reinterpret_cast<std::uintptr_t>(lo) + bytes};
}

namespace {

[[gnu::constructor(102)]] void note_sanitizer() noexcept {
    if (has_address_sanitizer_runtime()) stress_bits |= address_sanitizer_bit;
}

} // namespace

} // namespace growstack::grow
