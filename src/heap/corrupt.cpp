// The heap's messages.
#include "heap/corrupt.hpp"

#include "base/message.hpp"

#include <cstdlib>

namespace growstack::heap {

void fatal_heap_corruption(const char* what) noexcept {
    detail::message line;
    line << "growstack: the heap is corrupt: " << what << "; something wrote outside its memory or after it was freed";
    line.write_line();
    std::abort();
}

void fatal_bad_free(const void* p, const char* why) noexcept {
    detail::message line;
    line << "growstack: heap: cannot free " << p << ": " << why;
    line.write_line();
    std::abort();
}

} // namespace growstack::heap
