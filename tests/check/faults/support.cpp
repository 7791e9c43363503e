// The faults, and what is behind system calls.
#include "support.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace faults {
namespace {

constexpr std::size_t page_bytes = growstack::detail::page_bytes;

std::uintptr_t address_of(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

std::uintptr_t null() { return 0; }
std::uintptr_t near_null() { return 64; }
std::uintptr_t not_canonical() { return 0xdead'0000'0000'0000; }
std::uintptr_t read_only_memory() { return address_of(new_page(false)) + 100; }

std::uintptr_t freed_memory() {
    char* const page = new_page();
    ::munmap(page, page_bytes);
    return address_of(page) + 200;
}

// Two pages of a file that has none any more.
std::uintptr_t truncated_file() {
    const int file = ::memfd_create("truncated", 0);
    if (file < 0 || ::ftruncate(file, 2 * page_bytes)) std::abort();
    void* const mapped = ::mmap(nullptr, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED || ::ftruncate(file, 0)) std::abort();
    return address_of(mapped) + page_bytes + 300;
}

void read(std::uintptr_t address) { static_cast<void>(read_byte(address)); }
void write(std::uintptr_t address) { write_byte(address); }

void jump(std::uintptr_t address) {
    asm volatile("" : "+r"(address));
    reinterpret_cast<void (*)()>(address)();
    asm volatile("");
}

} // namespace

const fault all_faults[] = {
    {"a read of the null pointer", SIGSEGV, SEGV_MAPERR, null, read},
    {"a write near the null pointer", SIGSEGV, SEGV_MAPERR, near_null, write},
    {"a call of the null pointer", SIGSEGV, SEGV_MAPERR, null, jump},
    {"a read of an address that cannot be", SIGSEGV, SI_KERNEL, not_canonical, read},
    {"a write to constant memory", SIGSEGV, SEGV_ACCERR, read_only_memory, write},
    {"a read of freed memory", SIGSEGV, SEGV_MAPERR, freed_memory, read},
    {"a write to freed memory", SIGSEGV, SEGV_MAPERR, freed_memory, write},
    {"a read of a truncated file", SIGBUS, BUS_ADRERR, truncated_file, read},
    {"a write to a truncated file", SIGBUS, BUS_ADRERR, truncated_file, write},
};
const std::size_t fault_count = std::size(all_faults);

void say(const char* text) {
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) std::abort();
}

void set_handler(int signal, handler action, int flags, std::initializer_list<int> mask) {
    struct sigaction installed{};
    installed.sa_sigaction = action;
    installed.sa_flags = flags | SA_SIGINFO;
    for (const int other : mask) ::sigaddset(&installed.sa_mask, other);
    ::sigaction(signal, &installed, nullptr);
}

void set_handler_behind(int signal, handler action, int flags, std::initializer_list<int> mask) {
    set_handler(signal, action, flags, mask);
    growstack::install_fault_handler();
}

bool is_blocked(int signal) {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return ::sigismember(&mask, signal) == 1;
}

char* new_page(bool is_writable) {
    const int access = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void* const page = ::mmap(nullptr, page_bytes, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) std::abort();
    return static_cast<char*>(page);
}

} // namespace faults
