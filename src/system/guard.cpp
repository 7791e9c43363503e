// Guards: by MADV_GUARD_INSTALL where the kernel has it, which takes no mapping and 0.7 us; by mprotect otherwise,
// which takes two mappings a stack and 3.3 us. Source: Linux mm/madvise.c, madvise_guard_install (6.13),
// process_madvise (for guards of one's own process since 6.15).
#include "system/guard.hpp"
#include "base/modes.hpp"

#include <growstack/detail/config.hpp>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <string_view>

namespace growstack::grow {
namespace {

// Not yet in glibc's headers.
constexpr int madv_guard_install = 102, madv_guard_remove = 103;
constexpr int pidfd_self = -10001; // PIDFD_SELF_THREAD_GROUP

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

std::size_t install_guards(std::span<const bounds> all) noexcept {
    constexpr std::size_t most_at_once = 64;
    std::size_t done = 0;
    while (!guards_take_mappings() && !is_under_valgrind() && done < all.size()) {
        std::array<iovec, most_at_once> ranges;
        const std::size_t count = std::min(all.size() - done, most_at_once);
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < count; bytes += all[done + i++].bytes())
            ranges[i] = {address(all[done + i]), all[done + i].bytes()};
        const long advised = ::syscall(SYS_process_madvise, pidfd_self, ranges.data(), count, madv_guard_install, 0);
        if (advised != static_cast<long>(bytes)) break;
        done += count;
    }
    while (done < all.size() && install_guard(all[done])) ++done;
    return done;
}

bool remove_guard(bounds pages) noexcept {
    if (!guards_take_mappings() && ::madvise(address(pages), pages.bytes(), madv_guard_remove) != 0) return false;
    return !has_protected.load(std::memory_order_relaxed) ||
           ::mprotect(address(pages), pages.bytes(), PROT_READ | PROT_WRITE) == 0;
}

bool guards_take_mappings() noexcept { return !has_guard_regions.load(std::memory_order_relaxed); }

const char* no_memory_advice() noexcept {
    return guards_take_mappings()
               ? "the system gives no memory for a stack, or no mapping: this kernel needs two mappings for each guard, "
                 "so raise vm.max_map_count; Linux 6.13 and later needs none"
               : "the system gives no memory for a stack";
}

} // namespace growstack::grow
