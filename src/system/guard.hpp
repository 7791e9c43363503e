// Inaccessible pages below stacks.
#pragma once

#include <growstack/detail/bounds.hpp>

#include <cstddef>
#include <span>

namespace growstack::grow {

/// Makes whole pages inaccessible and gives their memory back. Returns false if the system has no more mappings.
bool install_guard(bounds pages) noexcept;

/// The same for many ranges at once, which costs less each. Returns how many, from the first, have their guard.
std::size_t install_guards(std::span<const bounds> all) noexcept;

/// Makes pages under a guard accessible. Async-signal-safe. Returns false if the system has no more mappings.
bool remove_guard(bounds pages) noexcept;

/// Says if each guard takes mappings of its own, of which a process has vm.max_map_count.
bool guards_take_mappings() noexcept;

/// Returns what to do when the system gives no memory, or no guard, for a stack.
const char* no_memory_advice() noexcept;

} // namespace growstack::grow
