// Pieces of a few sizes from lists of free ones; larger ones straight from the system.
#include "memory/escape_pool.hpp"
#include "base/modes.hpp"
#include "sanitizer/valgrind.hpp"
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

// A frame is not set up page by page: where it does not fit, its low end must reach the guard, not jump it. So guard
// and room together are as large as the piece. That takes address space only, as long as it is a mapping that cannot be
// accessed, of which a process may have 65,530. A guard region takes no mapping, but page tables: for so many bytes.
constexpr std::size_t smallest_guard_bytes = std::size_t{32} << 10;
constexpr std::size_t mapped_guard_from_bytes = std::size_t{1} << 20;
constexpr std::size_t most_mapped_guards = 8192;
constexpr std::size_t largest_guard_region_bytes = std::size_t{512} << 10;

constexpr std::size_t stride_of(std::size_t piece_bytes) noexcept {
    return piece_bytes + std::max(piece_bytes, smallest_guard_bytes);
}

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

bool permit(bounds pages) noexcept {
    return ::mprotect(reinterpret_cast<void*>(pages.lo), pages.bytes(), PROT_READ | PROT_WRITE) == 0;
}

template <class Record>
Record* new_record(const Record& from) noexcept {
    void* const place = heap::allocate(sizeof(Record), alignof(Record));
    return place ? ::new (place) Record{from} : nullptr;
}

template <class Record>
void delete_record(Record* record) noexcept {
    heap::deallocate(record, sizeof *record, alignof(Record));
}

// What was mapped at once: for the audit, which asks what memory is for.
struct escape_mapping {
    bounds memory;
    escape_mapping* older = nullptr;
};

class mapping_list {
public:
    bool add(bounds memory) noexcept {
        auto* const added = new_record(escape_mapping{.memory = memory});
        if (!added) return false;
        const std::lock_guard lock{mutex_};
        added->older = std::exchange(newest_, added);
        return true;
    }

    void remove(bounds memory) noexcept {
        const std::lock_guard lock{mutex_};
        escape_mapping** m = &newest_;
        while ((*m)->memory.lo != memory.lo) m = &(*m)->older;
        delete_record(std::exchange(*m, (*m)->older));
    }

    bool has(bounds range) noexcept {
        const std::lock_guard lock{mutex_};
        const escape_mapping* m = newest_;
        while (m && !(m->memory.lo <= range.lo && range.hi <= m->memory.hi)) m = m->older;
        return m;
    }

private:
    std::mutex mutex_;
    escape_mapping* newest_ = nullptr;
};

constinit mapping_list mappings;

std::uintptr_t map_and_note(std::size_t bytes) noexcept {
    const std::uintptr_t lo = map(bytes);
    if (!lo || mappings.add({lo, lo + bytes})) return lo;
    ::munmap(reinterpret_cast<void*>(lo), bytes);
    return 0;
}

void unmap(bounds memory) noexcept {
    mappings.remove(memory);
    ::munmap(reinterpret_cast<void*>(memory.lo), memory.bytes());
}

// The free pieces of one size.
struct free_pieces {
    escape_piece* warm = nullptr; // with what memory they have taken
    escape_piece* cold = nullptr;
    std::size_t warm_count = 0;
    bounds uncarved; // of the newest mapping
};

// A piece of `bytes` at the high end of `slot`, with room and guard below.
escape_piece* make_piece(bounds slot, std::size_t bytes, bool is_mapped) noexcept {
    const bounds memory{slot.hi - bytes, slot.hi};
    bounds closed{slot.lo, memory.lo};
    if (!is_mapped) closed.lo = std::max(closed.lo, closed.hi - largest_guard_region_bytes);
    if (!(is_mapped ? forbid(closed) : install_guard(closed))) return nullptr;
    // The room: for the frame that does not fit, those that it calls before the next check, and destructors.
    const std::uintptr_t room_lo = memory.lo - (is_mapped ? bytes / 8 : closed.bytes() / 2);
    return new_record(escape_piece{.memory = memory, .room_lo = room_lo, .is_mapped = is_mapped});
}

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
    escape_piece* carve(free_pieces& free, std::size_t bytes) noexcept {
        const std::size_t stride = stride_of(bytes);
        if (!free.uncarved.bytes()) {
            const std::uintptr_t lo = map_and_note(slots_at_once * stride);
            if (!lo) return nullptr;
            free.uncarved = {lo, lo + slots_at_once * stride};
        }
        const bool is_mapped = bytes >= mapped_guard_from_bytes && mapped_guards_ < most_mapped_guards;
        escape_piece* const piece = make_piece({free.uncarved.lo, free.uncarved.lo + stride}, bytes, is_mapped);
        if (!piece) return nullptr;
        free.uncarved.lo += stride;
        mapped_guards_ += is_mapped;
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
    const std::uintptr_t lo = map_and_note(stride);
    if (!lo) return nullptr;
    escape_piece* const piece = make_piece({lo, lo + stride}, bytes, true);
    if (!piece) unmap({lo, lo + stride});
    return piece;
}

} // namespace

std::size_t escape_piece_bytes(std::size_t bytes) noexcept { return std::size_t{1} << order_of(bytes); }

escape_piece* take_escape_piece(std::size_t bytes) noexcept {
    const unsigned order = order_of(bytes);
    escape_piece* const piece = order > largest_order ? map_piece(std::size_t{1} << order) : pool.take(order);
    if (!piece) return nullptr;
    piece->older = nullptr;
    if (is_under_valgrind()) reuse_for_valgrind(piece->memory);
    return piece;
}

void give_escape_piece(escape_piece& piece, std::uintptr_t touched_lo) noexcept {
    const unsigned order = order_of(piece.memory.bytes());
    if (order <= largest_order) {
        close_room(piece, piece.memory.lo);
        give_memory_back({piece.memory.lo, touched_lo & ~(detail::page_bytes - 1)});
        if (is_under_valgrind()) retire_for_valgrind(piece.memory);
        return pool.give(piece, order);
    }
    unmap({guard_of(piece).lo, piece.memory.hi});
    delete_record(&piece);
}

bounds guard_of(const escape_piece& piece) noexcept {
    return {piece.memory.hi - stride_of(piece.memory.bytes()), piece.room_lo};
}

bool open_room(escape_piece& piece) noexcept {
    const bounds room{piece.room_lo, piece.memory.lo};
    if (!(piece.is_mapped ? permit(room) : remove_guard(room))) return false;
    piece.opened_lo = room.lo;
    return true;
}

void close_room(escape_piece& piece, std::uintptr_t hi) noexcept {
    const bounds room{piece.opened_lo, std::min(hi & ~(detail::page_bytes - 1), piece.memory.lo)};
    if (room.lo >= room.hi) return;
    if (piece.is_mapped) give_memory_back(room);
    if (piece.is_mapped ? forbid(room) : install_guard(room)) piece.opened_lo = room.hi;
}

bool owns_escape_memory(bounds range) noexcept { return mappings.has(range); }

void trim_escape_pool() noexcept { pool.trim(); }

} // namespace growstack::grow
