// Guards: by MADV_GUARD_INSTALL where the kernel has it, which takes no mapping and 0.7 us; by mprotect otherwise, which
// takes two mappings a stack and 3.3 us.
// Source: Linux mm/madvise.c, madvise_guard_install; Documentation of 6.13.
#include "guard.hpp"

#include <growstack/detail/config.hpp>

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace growstack::grow {
namespace {

// Not yet in glibc's headers.
constexpr int madv_guard_install = 102, madv_guard_remove = 103;

constinit std::atomic<bool> has_guard_regions{false};

// Asks the kernel with a page that nobody uses. GROWSTACK_GUARD=mprotect: as on a kernel without guard regions.
bool ask_kernel() noexcept {
    const char* wanted = std::getenv("GROWSTACK_GUARD");
    if (wanted && std::string_view{wanted} == "mprotect") return false;
    void* page = ::mmap(nullptr, detail::page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return false;
    const bool is_there = ::madvise(page, detail::page_bytes, madv_guard_install) == 0;
    ::munmap(page, detail::page_bytes);
    return is_there;
}

// Before other static objects: they may create coroutines.
[[gnu::constructor(102)]] void find_out() noexcept { has_guard_regions = ask_kernel(); }

void* address(bounds pages) noexcept { return reinterpret_cast<void*>(pages.lo); }

// Some guard is by mprotect.
constinit std::atomic<bool> has_protected{false};

} // namespace

bool install_guard(bounds pages) noexcept {
    if (!guards_take_mappings() && ::madvise(address(pages), pages.bytes(), madv_guard_install) == 0) return true;
    // No guard regions, or memory that mlockall has locked, which takes none.
    has_protected.store(true, std::memory_order_relaxed);
    ::madvise(address(pages), pages.bytes(), MADV_DONTNEED);
    return ::mprotect(address(pages), pages.bytes(), PROT_NONE) == 0;
}

bool remove_guard(bounds pages) noexcept {
    if (!guards_take_mappings() && ::madvise(address(pages), pages.bytes(), madv_guard_remove) != 0) return false;
    return !has_protected.load(std::memory_order_relaxed) ||
           ::mprotect(address(pages), pages.bytes(), PROT_READ | PROT_WRITE) == 0;
}

bool guards_take_mappings() noexcept { return !has_guard_regions.load(std::memory_order_relaxed); }

const char* no_memory_advice() noexcept {
    return guards_take_mappings()
               ? "the system gives no memory for a stack, or no mapping: this kernel needs two mappings for each guard, so raise "
                 "vm.max_map_count; Linux 6.13 and later needs none"
               : "the system gives no memory for a stack";
}

} // namespace growstack::grow
