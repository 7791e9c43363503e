// Growing the page map.
#include <growstack/heap/page_map.hpp>

#include <new>

namespace growstack::heap {

bool page_map::cover(std::uintptr_t lo, std::size_t bytes, const page_source& source) noexcept {
    constexpr unsigned root_shift = page_shift + leaf_bits;
    if ((lo + bytes - 1) >> address_bits) return false;
    for (std::uintptr_t i = lo >> root_shift; i <= (lo + bytes - 1) >> root_shift; ++i) {
        if (root_[i].load(std::memory_order_relaxed)) continue;
        const std::uintptr_t memory = source.reserve(sizeof(leaf));
        if (!memory) return false;
        // Zeros from the system are empty entries: to construct 2 MiB of them would touch it all.
        root_[i].store(std::launder(reinterpret_cast<leaf*>(memory)), std::memory_order_release);
    }
    return true;
}

void page_map::release(const page_source& source) noexcept {
    for (auto& entry : root_)
        if (leaf* l = entry.exchange(nullptr)) source.release(reinterpret_cast<std::uintptr_t>(l), sizeof(leaf));
}

} // namespace growstack::heap
