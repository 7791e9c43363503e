// Each probe puts its address and its slow path into a section of its own, a table that the fault handler reads.
//
// The linker lays the sections of one program or shared library end to end and names their bounds. What it drops of the
// code it drops of the table too: entries are in the group of the function that they belong to ("?").
#pragma once

#include <growstack/detail/arch.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace growstack::detail {

/// Distances from the fields themselves, so that nothing has to be relocated when the program is loaded.
struct probe_entry {
    std::int32_t to_probe;
    std::int32_t to_slow_path;

    std::uintptr_t probe() const noexcept {
        return reinterpret_cast<std::uintptr_t>(&to_probe) + static_cast<std::intptr_t>(to_probe);
    }
    std::uintptr_t slow_path() const noexcept {
        return reinterpret_cast<std::uintptr_t>(&to_slow_path) + static_cast<std::intptr_t>(to_slow_path);
    }
};

/// The table of one program or shared library. On a list while it is loaded.
class probe_table {
public:
    probe_table(const probe_entry* first, const probe_entry* last) noexcept;
    ~probe_table();
    probe_table(const probe_table&) = delete;
    probe_table& operator=(const probe_table&) = delete;

    const probe_entry* const first;
    const probe_entry* const last;
    std::atomic<probe_table*> next{nullptr};
};

/// Returns where to go on after a fault of the instruction at `ip`; 0: it is no probe. Async-signal-safe. Linear in the
/// number of probes, which is nothing beside the fault.
std::uintptr_t find_slow_path(std::uintptr_t ip) noexcept;

extern "C" {
[[gnu::visibility("hidden")]] extern const probe_entry __start_growstack_probes[];
[[gnu::visibility("hidden")]] extern const probe_entry __stop_growstack_probes[];
}

/// Hidden: each program and shared library has one. A template: only those that have probes.
template <class = void>
[[gnu::visibility("hidden")]] inline const probe_table probes_of_this_module{__start_growstack_probes,
                                                                             __stop_growstack_probes};

} // namespace growstack::detail
