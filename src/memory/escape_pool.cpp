// Pieces of a few sizes from lists of free ones; larger ones straight from the system.
#include "memory/escape_pool.hpp"
#include "system/guard.hpp"

#include <growstack/detail/config.hpp>
#include <growstack/heap/resource.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <new>
#include <utility>

namespace growstack::grow {
namespace {

constexpr unsigned smallest_order = 14, largest_order = 23; // of those on lists
constexpr std::size_t slots_at_once = 64;                   // that one mapping is carved into
constexpr std::size_t most_warm = 1024;                     // free pieces of one size that keep their memory

// A frame that does not fit is not set up page by page: what is left over must reach the guard, not jump it.
constexpr std::size_t smallest_guard_bytes = std::size_t{64} << 10, largest_guard_bytes = std::size_t{512} << 10;

// A guard region takes a page table, which a large piece that nobody uses would not have. A mapping that cannot be
// accessed takes none, but a process may have 65,530.
constexpr std::size_t mapped_guard_from_bytes = std::size_t{1} << 20;
constexpr std::size_t most_mapped_guards = 8192;

constexpr std::size_t guard_bytes(std::size_t piece_bytes) noexcept {
    return std::clamp(piece_bytes / 16, smallest_guard_bytes, largest_guard_bytes);
}

constexpr std::size_t stride_of(std::size_t piece_bytes) noexcept { return guard_bytes(piece_bytes) + piece_bytes; }

void give_memory_back(bounds pages) noexcept {
    if (pages.lo < pages.hi) ::madvise(reinterpret_cast<void*>(pages.lo), pages.bytes(), MADV_DONTNEED);
}

bool forbid(bounds pages) noexcept {
    return ::mprotect(reinterpret_cast<void*>(pages.lo), pages.bytes(), PROT_NONE) == 0;
}

std::uintptr_t map(std::size_t bytes) noexcept {
    void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? 0 : reinterpret_cast<std::uintptr_t>(p);
}

escape_piece* new_record(bounds memory) noexcept {
    void* const place = heap::allocate(sizeof(escape_piece), alignof(escape_piece));
    return place ? ::new (place) escape_piece{.memory = memory} : nullptr;
}

void delete_record(escape_piece* piece) noexcept { heap::deallocate(piece, sizeof *piece, alignof(escape_piece)); }

// The free pieces of one size.
struct free_pieces {
    escape_piece* warm = nullptr; // with what memory they have taken
    escape_piece* cold = nullptr;
    std::size_t warm_count = 0;
    bounds uncarved; // of the newest mapping
};

class escape_pool {
public:
    escape_piece* take(unsigned order) noexcept {
        const std::lock_guard lock{mutex_};
        free_pieces& free = free_[order - smallest_order];
        if (free.warm) --free.warm_count;
        escape_piece*& list = free.warm ? free.warm : free.cold;
        return list ? std::exchange(list, list->older) : carve(free, std::size_t{1} << order);
    }

    void give(escape_piece& piece, unsigned order) noexcept {
        const std::lock_guard lock{mutex_};
        free_pieces& free = free_[order - smallest_order];
        const bool is_kept = free.warm_count < most_warm;
        if (is_kept) ++free.warm_count;
        else give_memory_back(piece.memory);
        escape_piece*& list = is_kept ? free.warm : free.cold;
        piece.older = std::exchange(list, &piece);
    }

    void trim() noexcept {
        const std::lock_guard lock{mutex_};
        for (free_pieces& free : free_) {
            while (free.warm) {
                escape_piece& piece = *std::exchange(free.warm, free.warm->older);
                give_memory_back(piece.memory);
                piece.older = std::exchange(free.cold, &piece);
            }
            free.warm_count = 0;
        }
    }

private:
    bool install(bounds guard, std::size_t piece_bytes) noexcept {
        if (piece_bytes < mapped_guard_from_bytes || mapped_guards_ == most_mapped_guards) return install_guard(guard);
        ++mapped_guards_;
        return forbid(guard);
    }

    escape_piece* carve(free_pieces& free, std::size_t bytes) noexcept {
        const std::size_t stride = stride_of(bytes);
        if (!free.uncarved.bytes()) {
            const std::uintptr_t lo = map(slots_at_once * stride);
            if (!lo) return nullptr;
            free.uncarved = {lo, lo + slots_at_once * stride};
        }
        const bounds memory{free.uncarved.lo + stride - bytes, free.uncarved.lo + stride};
        if (!install({free.uncarved.lo, memory.lo}, bytes)) return nullptr;
        escape_piece* const piece = new_record(memory);
        if (piece) free.uncarved.lo = memory.hi;
        return piece;
    }

    std::mutex mutex_;
    std::array<free_pieces, largest_order - smallest_order + 1> free_;
    std::size_t mapped_guards_ = 0;
};

constinit escape_pool pool;

unsigned order_of(std::size_t bytes) noexcept {
    return std::max(static_cast<unsigned>(std::bit_width(bytes - 1)), smallest_order);
}

escape_piece* map_piece(std::size_t bytes) noexcept {
    const std::size_t stride = stride_of(bytes);
    const std::uintptr_t lo = map(stride);
    if (!lo) return nullptr;
    const bounds memory{lo + stride - bytes, lo + stride};
    escape_piece* const piece = forbid({lo, memory.lo}) ? new_record(memory) : nullptr;
    if (!piece) ::munmap(reinterpret_cast<void*>(lo), stride);
    return piece;
}

} // namespace

std::size_t escape_piece_bytes(std::size_t bytes) noexcept { return std::size_t{1} << order_of(bytes); }

escape_piece* take_escape_piece(std::size_t bytes) noexcept {
    const unsigned order = order_of(bytes);
    escape_piece* const piece = order > largest_order ? map_piece(std::size_t{1} << order) : pool.take(order);
    if (piece) piece->older = nullptr;
    return piece;
}

void give_escape_piece(escape_piece& piece, std::uintptr_t touched_lo) noexcept {
    const unsigned order = order_of(piece.memory.bytes());
    if (order <= largest_order) {
        give_memory_back({piece.memory.lo, touched_lo & ~(detail::page_bytes - 1)});
        return pool.give(piece, order);
    }
    const bounds guard = guard_of(piece);
    ::munmap(reinterpret_cast<void*>(guard.lo), piece.memory.hi - guard.lo);
    delete_record(&piece);
}

bounds guard_of(const escape_piece& piece) noexcept {
    return {piece.memory.lo - guard_bytes(piece.memory.bytes()), piece.memory.lo};
}

void trim_escape_pool() noexcept { pool.trim(); }

} // namespace growstack::grow
