// Address space for stacks.
#include "system/address_space.hpp"

#include <sys/mman.h>

#include <utility>

namespace growstack::grow {
namespace {

constexpr std::size_t window_stride = std::size_t{16} << 20;
constexpr unsigned first_window = 0x81, last_window = 0xaf; // bits 24-31
constexpr std::uintptr_t group_bytes = std::uintptr_t{1} << 32;
constexpr unsigned first_group = 0x81, last_group = 0xaf; // bits 32-39, for the same reason

// Windows begin this far below where the system places mappings, to stay out of the way of libraries and the heap.
constexpr std::uintptr_t distance_to_others = std::uintptr_t{64} << 30;

std::uintptr_t map(std::uintptr_t hint, std::size_t bytes, int flags) noexcept {
    void* p = ::mmap(reinterpret_cast<void*>(hint), bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    return p == MAP_FAILED ? 0 : reinterpret_cast<std::uintptr_t>(p);
}

void unmap(std::uintptr_t lo, std::uintptr_t hi) noexcept {
    if (lo != hi) ::munmap(reinterpret_cast<void*>(lo), hi - lo);
}

// Anywhere, aligned.
std::uintptr_t map_aligned(std::size_t bytes) noexcept {
    const std::uintptr_t lo = map(0, bytes + top_alignment, 0);
    if (!lo) return 0;
    const std::uintptr_t aligned = (lo + top_alignment - 1) & ~(top_alignment - 1);
    unmap(lo, aligned);
    unmap(aligned + bytes, lo + bytes + top_alignment);
    return aligned;
}

class windows {
public:
    std::uintptr_t take(std::size_t bytes) noexcept {
        if (hi_ - next_ < bytes && !open()) return 0;
        return std::exchange(next_, next_ + bytes);
    }

private:
    // Maps the next window that is free.
    bool open() noexcept {
        if (!group_ && !choose_group()) return false;
        for (int attempts = 1000; attempts > 0; --attempts) {
            const std::uintptr_t lo = group_ + window_ * window_stride + (window_stride - window_bytes);
            const std::uintptr_t mapped = map(lo, window_bytes, MAP_FIXED_NOREPLACE);
            if (mapped == lo) {
                advance();
                next_ = lo;
                hi_ = lo + window_bytes;
                return true;
            }
            if (mapped) unmap(mapped, mapped + window_bytes); // a kernel before 4.17 takes the address for a hint
            // Whatever lies there may be some TiB large: a stack of that size, say.
            window_ = first_window;
            next_group();
        }
        return false;
    }

    bool choose_group() noexcept {
        const std::uintptr_t others = map(0, window_bytes, 0);
        if (!others) return false;
        unmap(others, others + window_bytes);
        // Valgrind places mappings at the low end, where an address looks like any number, and takes hints up to here.
        constexpr std::uintptr_t valgrinds_hi = std::uintptr_t{1} << 44;
        group_ = others < 2 * distance_to_others ? valgrinds_hi : others - distance_to_others;
        next_group();
        return true;
    }

    // The next one below whose bits 32-39 look like no small number.
    void next_group() noexcept {
        group_ = (group_ & ~(group_bytes - 1)) - group_bytes;
        while (((group_ >> 32) & 0xff) < first_group || ((group_ >> 32) & 0xff) > last_group) group_ -= group_bytes;
    }

    void advance() noexcept {
        if (++window_ <= last_window) return;
        window_ = first_window;
        next_group();
    }

    std::uintptr_t group_ = 0; // a multiple of 4 GiB
    unsigned window_ = first_window;
    std::uintptr_t next_ = 0; // in the open window
    std::uintptr_t hi_ = 0;
};

constinit windows all_windows;

} // namespace

std::uintptr_t take_address_space(std::size_t bytes) noexcept {
    if (bytes <= window_bytes)
        if (const std::uintptr_t lo = all_windows.take(bytes)) return lo;
    return map_aligned(bytes);
}

} // namespace growstack::grow
