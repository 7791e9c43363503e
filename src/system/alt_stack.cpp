// sigaltstack per thread. Growth itself runs on the thread's root stack, so an alternate stack of the program's own is
// large enough whatever its size: the handler needs 2 KiB beside the kernel's signal frame.
#include "system/alt_stack.hpp"
#include "sanitizer/valgrind.hpp"

#include <growstack/detail/config.hpp>

#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

namespace growstack::grow {
namespace {

using detail::page_bytes;

// Room for what a program's own handler does when a fault is passed on: a backtrace, say.
constexpr std::size_t handler_bytes = 56 * 1024;

std::size_t stack_bytes() noexcept {
    const std::size_t signal_frame = ::getauxval(AT_MINSIGSTKSZ);
    return (signal_frame + handler_bytes + page_bytes - 1) & ~(page_bytes - 1);
}

thread_local unsigned number_in_valgrind = 0; // of our stack

// Growth comes back to it from the root stack.
unsigned announce_to_valgrind(const stack_t& s) noexcept {
    const auto lo = reinterpret_cast<std::uintptr_t>(s.ss_sp);
    return announce_stack({lo, lo + s.ss_size});
}

void release(void* guard) noexcept {
    forget_stack(number_in_valgrind);
    void* const stack = static_cast<char*>(guard) + page_bytes;
    stack_t current;
    if (::sigaltstack(nullptr, &current) == 0 && current.ss_sp == stack) {
        current.ss_flags = SS_DISABLE;
        ::sigaltstack(&current, nullptr);
    }
    ::munmap(guard, page_bytes + stack_bytes());
}

// A key's destructor runs after those of thread_local objects, which may resume coroutines.
pthread_key_t key() noexcept {
    static const pthread_key_t the_key = [] {
        pthread_key_t k{};
        ::pthread_key_create(&k, release);
        return k;
    }();
    return the_key;
}

} // namespace

bool prepare_alt_stack() noexcept {
    stack_t current;
    if (::sigaltstack(nullptr, &current) == 0 && !(current.ss_flags & SS_DISABLE)) {
        announce_to_valgrind(current);
        return true;
    }
    void* const guard = ::mmap(nullptr, page_bytes + stack_bytes(), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (guard == MAP_FAILED) return false;
    stack_t ours{};
    ours.ss_sp = static_cast<char*>(guard) + page_bytes;
    ours.ss_size = stack_bytes();
    number_in_valgrind = announce_to_valgrind(ours);
    if (::mprotect(guard, page_bytes, PROT_NONE) == 0 && ::sigaltstack(&ours, nullptr) == 0 &&
        ::pthread_setspecific(key(), guard) == 0)
        return true;
    release(guard);
    return false;
}

} // namespace growstack::grow
