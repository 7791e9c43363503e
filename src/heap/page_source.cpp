// Pages from the system.
#include <growstack/heap/page.hpp>

#include <growstack/detail/arch.hpp>

#include <sys/mman.h>

namespace growstack::heap {

static_assert(page_bytes % growstack::detail::page_bytes == 0, "the system takes no less than its own pages back");

page_source system_pages() noexcept {
    return {
        .reserve = [](std::size_t bytes) noexcept -> std::uintptr_t {
            void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                             0);
            return p == MAP_FAILED ? 0 : reinterpret_cast<std::uintptr_t>(p);
        },
        .release = [](std::uintptr_t lo, std::size_t bytes) noexcept { ::munmap(reinterpret_cast<void*>(lo), bytes); },
        .decommit = [](std::uintptr_t lo,
                       std::size_t bytes) noexcept { ::madvise(reinterpret_cast<void*>(lo), bytes, MADV_DONTNEED); },
    };
}

} // namespace growstack::heap
