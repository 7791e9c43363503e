// What every test file uses: ways to run code at a chosen place of one.
#pragma once

#include "kinds.hpp"
#include "stack_use.hpp"

#include <growstack/detail/address_sanitizer.hpp>
#include <growstack/growstack.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>

namespace test {

/// Says if locals whose address escapes lie on an escape stack, which never moves: docs/safe-build.md.
#if defined(__has_feature)
inline constexpr bool is_safe_build = __has_feature(safe_stack);
#else
inline constexpr bool is_safe_build = false;
#endif

template <class Kind>
using coroutine = growstack::coroutine<typename Kind::stack>;
template <class T, class Kind>
using generator = growstack::generator<T, typename Kind::stack>;

/// Returns how many levels of at_depth() take as much as `levels` do without AddressSanitizer, whose frames are several
/// times as large.
constexpr std::size_t fitting(std::size_t levels) {
    return growstack::grow::has_address_sanitizer ? levels / 6 : levels;
}

/// Runs `body` in a coroutine to its end and returns what its stack went through. Rethrows what leaves the body.
template <class Kind, class Body>
growstack::stack_stats run(Body&& body, const growstack::stack_options& options = Kind::options) {
    growstack::stack_stats last;
    coroutine<Kind> c{[&] {
                          body();
                          last = growstack::this_coroutine::stats();
                      },
                      options};
    while (!c.done()) c.resume();
    return last;
}

inline bool is_stressed() { return growstack::stress().move || growstack::stress().link; }

/// Returns `plain`, or an eighth of it where every check moves the whole stack or takes a chunk, and says so.
std::size_t depth(std::size_t plain);

/// A reference to a callable as two words that a function which is no template can take.
template <class F>
void call(void* f) {
    (*static_cast<F*>(f))();
}

template <class F>
void* address(F& f) {
    return const_cast<void*>(static_cast<const void*>(std::addressof(f)));
}

/// Calls `f` so that about `room` bytes lie between sp and the running coroutine's limit. Where there is less, or
/// where every check fails anyway, just calls it.
void call_with_room(std::size_t room, void (*f)(void*), void* argument);

template <class F>
void with_room(std::size_t room, F&& f) {
    call_with_room(room, &call<std::remove_reference_t<F>>, address(f));
}

/// Calls `f(room)` for each room from 0 to `last` bytes in steps of 16: sp is a multiple of 16 at every call, so a
/// check in what is called under with_room(room) fails at each place it can. Fewer steps where every check fails
/// anyway, and says so.
template <class F>
void for_each_room(F&& f, std::size_t last = 2 * 4096) {
    std::size_t step = 16;
    if (is_stressed()) step = last / 8, (void)depth(0);
    for (std::size_t room = 0; room <= last; room += step) f(room);
}

/// Recurses with frames of at least 64 bytes and calls `f` at the bottom. Returns `levels`.
std::size_t recurse(std::size_t levels, void (*f)(void*), void* argument);

template <class F>
std::size_t at_depth(std::size_t levels, F&& f) {
    return recurse(levels, &call<std::remove_reference_t<F>>, address(f));
}

/// How a child process ended: `signal` is 0 if it exited.
struct child_end {
    int signal = 0;
    int exit_code = 0;
    std::string error_text;
};

/// Runs `f` in a child process that exits with 0 after it, and collects what it writes to stderr.
child_end run_in_child(void (*f)());

/// Returns how often operator new was called so far, in all threads.
std::size_t allocations();

/// Returns whether `text` contains `part`.
inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Returns the message of the `Error` that `f` throws; empty if it throws none of that type.
template <class Error, class F>
std::string message_of(F&& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    } catch (...) {
    }
    return {};
}

} // namespace test
