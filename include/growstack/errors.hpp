// What can go wrong, as exceptions.
//
//      usage_error      the program used the API wrongly: resume of a dead coroutine, yield outside one, ...
//      stack_overflow   a call did not fit: max_bytes reached, a stack that cannot grow, or no memory to grow into
//
// Sizes that make no sense throw std::invalid_argument, and no memory at creation std::bad_alloc.
#pragma once

#include <cstddef>
#include <exception>
#include <stdexcept>

namespace growstack {

struct usage_error : std::logic_error {
    using std::logic_error::logic_error;
};

/// Thrown from the call whose frame did not fit. The coroutine is alive: locals above are destroyed, and it can go on
/// from where this is caught. Until the caught exception is destroyed the coroutine may use most of its headroom, so
/// that destructors on the way have room.
class stack_overflow : public std::exception {
public:
    explicit stack_overflow(const char* message) noexcept;
    stack_overflow(const stack_overflow&) noexcept = default;
    stack_overflow& operator=(const stack_overflow&) noexcept = default;
    ~stack_overflow() override;

    /// Which coroutine, which policy, how large, and what to do.
    const char* what() const noexcept override;

private:
    char message_[320];
};

} // namespace growstack
