// Calls out of growth: into libc, the system, the user's trace hook.
#pragma once

#include <growstack/detail/arch.hpp>

#include <cerrno>

namespace growstack::grow {

/// Keeps what belongs to the function whose check failed, and which such a call may change: the argument vector
/// registers, and errno, which the function before it may have set.
class outward_call {
public:
    outward_call() noexcept : errno_{errno} {}
    ~outward_call() { errno = errno_; }
    outward_call(const outward_call&) = delete;
    outward_call& operator=(const outward_call&) = delete;

    detail::vectors_saved vectors;

private:
    int errno_;
};

} // namespace growstack::grow
