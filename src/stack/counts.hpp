// The books of a stack's memory.
#pragma once

#include <growstack/detail/stack.hpp>

namespace growstack::grow {

/// Keeps the books when a stack's memory grows by `more` and shrinks by `less` bytes.
inline void count_bytes(stack& self, std::size_t more, std::size_t less) noexcept {
    stack_books& books = self.books();
    books.stack_bytes += more;
    if (books.stack_bytes > books.counts.peak_stack_bytes) books.counts.peak_stack_bytes = books.stack_bytes;
    books.stack_bytes -= less;
}

} // namespace growstack::grow
