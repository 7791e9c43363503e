// The shadow of stacks: one byte for eight of memory, which instrumented code reads before each access. It marks the
// red zones around the locals of each frame.
//
//      old shadow   | clean | red zones of the live frames |   copied, then clean
//      new shadow           | clean                 | red zones of the live frames |
//
// Instrumented code computes where the shadow of its frame lies when it begins, and clears it there when it ends.
// Meanwhile it keeps, in registers or on the stack, the frame's address >> 3 (GCC), or that plus the shadow's offset
// (Clang, now and then). Both are re-pointed as pointers are: stacks move by multiples of 64 KiB, so the shadow moves
// by multiples of 8 KiB. So are negated addresses: UndefinedBehaviorSanitizer's check of object sizes subtracts the
// object's address in each round of a loop, and GCC -O2 negates it once.
//
// Source: compiler-rt lib/asan/asan_mapping.h, asan_interface.h; GCC gcc/asan.c, asan_emit_stack_protection; LLVM
// AddressSanitizer.cpp, FunctionStackPoisoner. Functions are weak references: null in programs without
// AddressSanitizer.
#include "sanitizer/address_shadow.hpp"

#include "arch/arch.hpp"
#include "base/outward_call.hpp"
#include "sanitizer/address.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>

extern "C" {
[[gnu::weak]] void __asan_get_shadow_mapping(std::size_t* scale, std::size_t* offset);
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* lo, std::size_t bytes);
[[gnu::weak]] void* __asan_get_current_fake_stack();
extern int __asan_option_detect_stack_use_after_return [[gnu::weak]]; // read by each instrumented function
}

namespace growstack::grow {
namespace {

struct mapping {
    std::size_t scale = 0;
    std::size_t offset = 0;

    static mapping current() noexcept {
        mapping found;
        __asan_get_shadow_mapping(&found.scale, &found.offset);
        return found;
    }

    bounds index_of(bounds memory) const noexcept { return {memory.lo >> scale, memory.hi >> scale}; }
    bounds shadow_of(bounds memory) const noexcept {
        return {(memory.lo >> scale) + offset, (memory.hi >> scale) + offset};
    }
};

void clear(bounds shadow) noexcept { set_bytes(shadow, 0); }

// The shadow of a very large stack would take memory if it was written to.
void clear_in_pages(bounds shadow) noexcept {
    constexpr std::size_t few_bytes = 16 * detail::page_bytes;
    if (shadow.bytes() < few_bytes) return clear(shadow);
    const bounds pages{(shadow.lo + detail::page_bytes - 1) & ~(detail::page_bytes - 1),
                       shadow.hi & ~(detail::page_bytes - 1)};
    clear({shadow.lo, pages.lo});
    if (::madvise(reinterpret_cast<void*>(pages.lo), pages.bytes(), MADV_DONTNEED) != 0) clear(pages);
    clear({pages.hi, shadow.hi});
}

void take_over(bounds from, std::uintptr_t distance) noexcept {
    copy_bytes(from.lo + distance, from);
    clear(from);
}

} // namespace

address_forms other_forms_of(const displacement& moved) noexcept {
    if (!__asan_get_shadow_mapping) return {};
    const outward_call outward;
    const mapping map = mapping::current();
    const auto distance = static_cast<std::uintptr_t>(static_cast<std::intptr_t>(moved.distance) >> map.scale);
    const displacement index{map.index_of(moved.from), distance}, address{map.shadow_of(moved.from), distance};
    const displacement negated{{-moved.from.hi, -moved.from.lo}, -moved.distance};
    // Addresses are higher than indices. Upwards they go first, downwards last: no word is then moved from one range
    // into the other, and moved again.
    if (static_cast<std::intptr_t>(distance) > 0) return {{address, index, negated}, 3};
    return {{index, address, negated}, 3};
}

void move_shadow(bounds marked, std::uintptr_t distance) noexcept {
    const mapping map = mapping::current();
    take_over(map.shadow_of(marked), static_cast<std::uintptr_t>(static_cast<std::intptr_t>(distance) >> map.scale));
}

void forget_frames(bounds memory) noexcept {
    if (!__asan_get_shadow_mapping) return;
    const outward_call outward;
    clear_in_pages(mapping::current().shadow_of(memory));
}

void forbid(bounds memory) noexcept {
    if (!__asan_poison_memory_region) return;
    constexpr std::size_t most_bytes = std::size_t{4} << 20;
    const std::size_t bytes = std::min(memory.bytes(), most_bytes);
    const outward_call outward;
    __asan_poison_memory_region(reinterpret_cast<void*>(memory.hi - bytes), bytes);
}

namespace {

// The system places mappings below the main thread's stack, and some GiB lie above that.
constexpr std::uintptr_t highest = (std::uintptr_t{1} << detail::address_bits) - detail::page_bytes;
constinit std::atomic<std::uintptr_t> next_above{highest};

std::size_t whole_pages(std::size_t bytes) noexcept {
    return (bytes + detail::page_bytes - 1) & ~(detail::page_bytes - 1);
}

} // namespace

void* take_above_stacks(std::size_t bytes) noexcept {
    const std::size_t wanted = whole_pages(bytes);
    for (int attempts = 1000; attempts > 0; --attempts) {
        const std::uintptr_t lo = next_above.fetch_sub(wanted) - wanted;
        void* const p = ::mmap(reinterpret_cast<void*>(lo), wanted, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (p == reinterpret_cast<void*>(lo)) return p;
        if (p != MAP_FAILED) ::munmap(p, wanted);
        if (highest - lo > std::uintptr_t{4} << 30 || attempts % 100 == 0)
            next_above = highest; // what was there may have gone
    }
    return nullptr;
}

void give_above_stacks(void* memory, std::size_t bytes) noexcept {
    const auto lo = reinterpret_cast<std::uintptr_t>(memory);
    forget_frames({lo, lo + whole_pages(bytes)});
    ::munmap(memory, whole_pages(bytes));
}

// Locals in AddressSanitizer's heap would point into a stack that moves, and it drops those whose frames it takes for
// gone by comparing their sp with that of a throw, which says nothing where stacks are linked. From here on, locals lie
// on stacks.
[[gnu::constructor(102)]] void keep_locals_on_stacks() noexcept {
    if (&__asan_option_detect_stack_use_after_return) __asan_option_detect_stack_use_after_return = 0;
}

bool has_fake_stack(const stack& self) noexcept {
    if (!__asan_get_current_fake_stack) return false;
    if (self.is_suspended()) return self.books().sanitizer_state != nullptr;
    const outward_call outward;
    return __asan_get_current_fake_stack() != nullptr;
}

} // namespace growstack::grow
