// The errors that are exceptions.
//
//      usage_error      the program used the API wrongly: resume of a dead coroutine, yield outside one, ...
//      stack_overflow   a call did not fit: max_bytes reached, a stack that cannot grow, or no memory to grow into
//
//      no_stack_memory  a std::bad_alloc: no memory, or no mapping, for a new coroutine's stack
//
// Sizes that make no sense throw std::invalid_argument. Where nothing can be thrown, because the code that overflows
// has no checks, overflow_report says what is known before the program is aborted.
#pragma once

#include <cstddef>
#include <exception>
#include <new>
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

class no_stack_memory : public std::bad_alloc {
public:
    explicit no_stack_memory(const char* message) noexcept : message_{message} {}

    /// What is missing, and what to raise.
    const char* what() const noexcept override { return message_; }

private:
    const char* message_; // a literal
};

/// An overflow that cannot be thrown. Sizes in bytes.
struct overflow_report {
    const void* coroutine;   ///< as this_coroutine::id()
    const char* policy;      ///< "segmented_stack", ...
    std::size_t depth_bytes; ///< from the coroutine's first frame to its last one
    std::size_t stack_bytes; ///< memory of its stack, open rooms included
    std::size_t max_bytes;   ///< what that may become
    const char* advice;      ///< why it does not fit, and what to do
};

using overflow_handler = void (*)(const overflow_report&);

/// Calls `handler` before the program is aborted for an overflow that cannot be thrown; null: nobody. Returns the one
/// before. The handler runs in a signal handler, on the alternate stack: async-signal-safe functions only.
overflow_handler set_overflow_handler(overflow_handler handler) noexcept;

} // namespace growstack
