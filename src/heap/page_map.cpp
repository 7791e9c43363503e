// Growing the page map.
#include "heap/page_map.hpp"

#include <new>

namespace growstack::heap {
namespace {

// Zeros from the system are null entries.
template <class Table>
bool prepare(std::atomic<Table*>& table, const page_source& source) noexcept {
    if (table.load(std::memory_order_relaxed)) return true;
    const std::uintptr_t memory = source.reserve(sizeof(Table));
    if (memory) table.store(std::launder(reinterpret_cast<Table*>(memory)), std::memory_order_release);
    return memory != 0;
}

} // namespace

bool page_map::cover(std::uintptr_t lo, std::size_t bytes, const page_source& source) noexcept {
    constexpr unsigned root_shift = page_shift + leaf_bits;
    if ((lo + bytes - 1) >> address_bits || !prepare(root_, source)) return false;
    for (std::uintptr_t i = lo >> root_shift; i <= (lo + bytes - 1) >> root_shift; ++i)
        if (!prepare((*root_.load(std::memory_order_relaxed))[i], source)) return false;
    return true;
}

void page_map::release(const page_source& source) noexcept {
    root* const r = root_.exchange(nullptr);
    if (!r) return;
    for (auto& entry : *r)
        if (leaf* l = entry.load()) source.release(reinterpret_cast<std::uintptr_t>(l), sizeof(leaf));
    source.release(reinterpret_cast<std::uintptr_t>(r), sizeof(root));
}

} // namespace growstack::heap
