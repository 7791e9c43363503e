// Places where a fault may happen, ways to cause one, and what becomes of it: in child processes, in code without
// checks.
#pragma once

#include "../../support.hpp"

#include <growstack/growstack.hpp>

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <type_traits>

namespace faults {

/// For use_stack: more than the first memory, less than that and the growth room.
inline constexpr std::size_t growing_bytes = growstack::grow::has_address_sanitizer ? 12000 : 30000;

struct native_code {}; // called from a coroutine
struct thread_with_coroutines {};
struct thread_without_coroutines {};

/// Runs `f` at a kind of place.
template <class Place, class F>
void run_at(F&& f) {
    if constexpr (std::is_same_v<Place, native_code>) {
        test::run<test::small_contiguous>([&] { growstack::native(f); });
    } else if constexpr (std::is_same_v<Place, thread_with_coroutines>) {
        std::thread{[&] {
            test::run<test::small_contiguous>([] {});
            f();
        }}.join();
    } else if constexpr (std::is_same_v<Place, thread_without_coroutines>) {
        std::thread{f}.join();
    } else {
        test::run<Place>(f);
    }
}

/// Runs a callable in a child process, whose stderr is collected. It ends with exit code 0 if `f` returns true, else 1.
template <class F>
test::child_end in_child(F f) {
    static F* callable;
    callable = &f;
    return test::run_in_child([] {
        const bool is_right = (*callable)();
        std::_Exit(is_right ? 0 : 1);
    });
}

template <class F>
bool is_right_in_child(F f) {
    const test::child_end end = in_child(f);
    if (end.signal) MESSAGE("signal " << end.signal);
    if (!end.error_text.empty()) MESSAGE(end.error_text);
    return end.signal == 0 && end.exit_code == 0;
}

/// Writes to stderr, async-signal-safe.
void say(const char* text);

using handler = void (*)(int signal, siginfo_t* info, void* context);

/// Installs a handler for `signal` that gets a siginfo.
void set_handler(int signal, handler action, int flags = 0, std::initializer_list<int> mask = {});

/// Installs the handler as a program would that does so before its first coroutine: growstack's is in front of it.
void set_handler_behind(int signal, handler action, int flags = 0, std::initializer_list<int> mask = {});

/// Says if `signal` is blocked in this thread.
bool is_blocked(int signal);

/// Returns a page of memory, filled with zeros.
char* new_page(bool is_writable = true);

/// Reads or writes one byte, whatever the compiler thinks of it.
inline volatile char* at(std::uintptr_t address) {
    asm volatile("" : "+r"(address) : : "memory");
    return reinterpret_cast<volatile char*>(address);
}
inline char read_byte(std::uintptr_t address) { return *at(address); }
inline void write_byte(std::uintptr_t address) { *at(address) = 1; }

/// A fault that is the program's own.
struct fault {
    const char* name;
    int signal;
    int code;                  // si_code
    std::uintptr_t (*place)(); // prepares it and returns si_addr
    void (*touch)(std::uintptr_t address);
};

extern const fault all_faults[];
extern const std::size_t fault_count;

} // namespace faults

TYPE_TO_STRING(faults::native_code);
TYPE_TO_STRING(faults::thread_with_coroutines);
TYPE_TO_STRING(faults::thread_without_coroutines);

#define GROWSTACK_EACH_PLACE \
    GROWSTACK_EACH_SMALL_KIND, faults::native_code, faults::thread_with_coroutines, faults::thread_without_coroutines
