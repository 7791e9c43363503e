// The tables of all modules. The fault handler reads the list while others may change it.
#include <growstack/detail/probe.hpp>

#include <pthread.h>

#include <mutex>

namespace growstack::detail {
namespace {

constinit std::mutex changes;
constinit std::atomic<probe_table*> tables{nullptr};
constinit std::atomic<int> readers{0};

// A reader on another thread does not come along into a child process, and would be waited for there.
[[gnu::constructor]] void forget_readers_in_children() noexcept {
    ::pthread_atfork(nullptr, nullptr, [] { readers = 0; });
}

} // namespace

probe_table::probe_table(const probe_entry* first_entry, const probe_entry* last_entry) noexcept
    : first{first_entry}, last{last_entry} {
    const std::lock_guard lock{changes};
    next.store(tables.load());
    tables.store(this);
}

// The memory goes when this returns: nobody may be reading it.
probe_table::~probe_table() {
    const std::lock_guard lock{changes};
    std::atomic<probe_table*>* link = &tables;
    while (link->load() != this) link = &link->load()->next;
    link->store(next.load());
    while (readers.load() != 0) {
    }
}

std::uintptr_t find_slow_path(std::uintptr_t ip) noexcept {
    ++readers;
    std::uintptr_t found = 0;
    for (const probe_table* table = tables.load(); table && !found; table = table->next.load())
        for (const probe_entry* entry = table->first; entry != table->last && !found; ++entry)
            if (entry->probe() == ip) found = entry->slow_path();
    --readers;
    return found;
}

} // namespace growstack::detail
