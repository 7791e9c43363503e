// Names of code and data, as the debugger knows them: from the symbol tables and debug information of the program's
// files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace growstack::audit {

/// Text ends up in the fixed arrays, cut off where it is longer.
struct symbol {
    char name[256] = "";        // demangled if may_allocate; empty: unknown
    std::uintptr_t lo = 0;      // of data: where the object begins
    std::size_t bytes = 0;      // of data; 0: unknown
    const char* file = nullptr; // of code: the source file, if there is debug information
    int line = 0;
    char module[256] = ""; // the program's or the library's file; empty: the address is in none
    std::uintptr_t module_offset = 0;

    void clear() noexcept {
        name[0] = module[0] = '\0';
        file = nullptr;
        lo = bytes = 0;
    }
};

/// Looks up code. No allocation in the heap unless `may_allocate`. Without libbacktrace: exported names only.
void find_code(std::uintptr_t address, bool may_allocate, symbol& found) noexcept;

/// Looks up a variable.
void find_data(std::uintptr_t address, bool may_allocate, symbol& found) noexcept;

} // namespace growstack::audit
