// libbacktrace, which comes with GCC, reads the files. It takes memory from the system, not from malloc. References to
// it are weak: the library is found by who links it (pkg-config, meson), and names are those of dladdr without.
#include "observe/audit/symbol.hpp"

#include <cxxabi.h>
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

// As <backtrace.h> has them, which only GCC finds.
extern "C" {
struct backtrace_state;
using backtrace_error_callback = void (*)(void*, const char*, int);
using backtrace_full_callback = int (*)(void*, std::uintptr_t, const char*, int, const char*);
using backtrace_syminfo_callback = void (*)(void*, std::uintptr_t, const char*, std::uintptr_t, std::uintptr_t);
[[gnu::weak]] backtrace_state* backtrace_create_state(const char*, int, backtrace_error_callback, void*);
[[gnu::weak]] int backtrace_pcinfo(backtrace_state*, std::uintptr_t, backtrace_full_callback, backtrace_error_callback,
                                   void*);
[[gnu::weak]] int backtrace_syminfo(backtrace_state*, std::uintptr_t, backtrace_syminfo_callback,
                                    backtrace_error_callback, void*);
}

namespace growstack::audit {
namespace {

template <std::size_t size>
void copy_text(char (&to)[size], const char* text) noexcept {
    std::strncpy(to, text, size - 1);
    to[size - 1] = '\0';
}

// Without debug information there is no line, which is no error here.
void ignore(void*, const char*, int) noexcept {}

backtrace_state* state() noexcept {
    static constinit backtrace_state* the_state = nullptr;
    if (!the_state && backtrace_create_state && backtrace_pcinfo && backtrace_syminfo)
        the_state = backtrace_create_state(nullptr, 1, ignore, nullptr);
    return the_state;
}

void set_name(symbol& found, const char* name, bool may_allocate) noexcept {
    char* const demangled = may_allocate ? abi::__cxa_demangle(name, nullptr, nullptr, nullptr) : nullptr;
    copy_text(found.name, demangled ? demangled : name);
    std::free(demangled);
}

struct request {
    symbol& found;
    bool may_allocate;
};

// Called for inlined functions first; the innermost one is meant.
int note_line(void* argument, std::uintptr_t, const char* file, int line, const char*) noexcept {
    symbol& found = static_cast<request*>(argument)->found;
    found.file = file;
    found.line = line;
    return 1;
}

void note_symbol(void* argument, std::uintptr_t, const char* name, std::uintptr_t lo, std::uintptr_t bytes) noexcept {
    const request& r = *static_cast<request*>(argument);
    if (!name) return;
    r.found.lo = lo;
    r.found.bytes = bytes;
    set_name(r.found, name, r.may_allocate);
}

void find(std::uintptr_t address, request& r) noexcept {
    Dl_info module{}; // where no file holds the address, dladdr leaves it as it is
    if (::dladdr(reinterpret_cast<void*>(address), &module) && module.dli_fname) {
        copy_text(r.found.module, module.dli_fname);
        r.found.module_offset = address - reinterpret_cast<std::uintptr_t>(module.dli_fbase);
    }
    if (state()) backtrace_syminfo(state(), address, note_symbol, ignore, &r);
    if (r.found.name[0] || !module.dli_sname) return;
    r.found.lo = reinterpret_cast<std::uintptr_t>(module.dli_saddr);
    set_name(r.found, module.dli_sname, r.may_allocate);
}

} // namespace

void find_code(std::uintptr_t address, bool may_allocate, symbol& found) noexcept {
    request r{found, may_allocate};
    find(address, r);
    if (state()) backtrace_pcinfo(state(), address, note_line, ignore, &r);
}

void find_data(std::uintptr_t address, bool may_allocate, symbol& found) noexcept {
    request r{found, may_allocate};
    find(address, r);
    const bool is_inside = found.lo <= address && address < found.lo + found.bytes;
    if (!is_inside) found.name[0] = '\0'; // what lies before it
}

} // namespace growstack::audit
