// Writing a message out.
#include "message.hpp"

#include <unistd.h>

namespace growstack::detail {

void message::write_line() noexcept {
    text_[length_++] = '\n';
    // Nobody is left to be told if this fails.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text_, length_);
}

} // namespace growstack::detail
