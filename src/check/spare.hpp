// What becomes of an open spare: detail/spare.hpp.
#pragma once

#include <growstack/detail/spare.hpp>

namespace growstack::grow {

/// In the fault handler, which has opened the spare of `self`.
void note_spare(stack& self) noexcept;

} // namespace growstack::grow
