// Writing a message out.
#include "base/message.hpp"

#include <unistd.h>

namespace growstack::detail {

void write_line(char* text, std::size_t length) noexcept {
    text[length] = '\n';
    // Nobody is left to be told if this fails.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, length + 1);
}

} // namespace growstack::detail
