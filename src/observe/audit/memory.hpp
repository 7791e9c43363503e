// The process's writable memory: where it is, and reading it without risk, for other threads may unmap it meanwhile.
#pragma once

#include <growstack/detail/bounds.hpp>

#include <cstddef>
#include <cstdint>

namespace growstack::audit {

using grow::bounds;

struct mapping {
    bounds memory;
    bool is_main_heap = false; // "[heap]", which the system extends by brk
};

/// Calls visit(mapping, argument) for each private writable mapping. No allocation.
void for_each_mapping(void (*visit)(const mapping&, void* argument), void* argument) noexcept;

/// Returns the word at an address; 0 if it cannot be read.
std::uintptr_t read_word(std::uintptr_t address) noexcept;

/// Calls found(address, word, argument) for each aligned word in `where` that lies in `range`. Memory that nobody has
/// touched is passed over. One thread at a time. Returns words at rising addresses, as read_word() does, with fewer
/// system calls. One at a time.
class word_reader {
public:
    std::uintptr_t operator()(std::uintptr_t address) noexcept;

private:
    std::uintptr_t lo_ = 0; // of what it has read
    std::size_t bytes_ = 0;
};

using on_found = void (*)(std::uintptr_t address, std::uintptr_t word, void* argument);
void search(bounds where, bounds range, on_found found, void* argument) noexcept;

/// The static buffers of these functions, where copies of what was read lie.
bounds own_buffers() noexcept;

} // namespace growstack::audit
