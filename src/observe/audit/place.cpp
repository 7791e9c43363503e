// Asks, in this order: the dynamic linker, the thread, the pool of stacks, growstack's heap, malloc.
#include "observe/audit/place.hpp"
#include "heap/process_heap.hpp"
#include "memory/escape_pool.hpp"
#include "memory/stack_pool.hpp"
#include "observe/audit/malloc_block.hpp"
#include "policy/sizes.hpp"

#include <growstack/detail/thread.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

// Of the running thread's second stack, in a safe build: compiler-rt's.
extern "C" {
[[gnu::weak]] void* __get_unsafe_stack_bottom();
[[gnu::weak]] void* __get_unsafe_stack_top();
}

namespace growstack::audit {
namespace {

struct module_search {
    std::uintptr_t address;
    std::optional<place> found;
};

int look_into_module(dl_phdr_info* module, std::size_t, void* argument) {
    auto& search = *static_cast<module_search*>(argument);
    for (const ElfW(Phdr)* segment = module->dlpi_phdr; segment != module->dlpi_phdr + module->dlpi_phnum; ++segment) {
        const bool is_thread_local = segment->p_type == PT_TLS && module->dlpi_tls_data;
        if (!is_thread_local && !(segment->p_type == PT_LOAD && (segment->p_flags & PF_W))) continue;
        const std::uintptr_t lo = is_thread_local ? reinterpret_cast<std::uintptr_t>(module->dlpi_tls_data)
                                                  : module->dlpi_addr + segment->p_vaddr;
        const bounds memory{lo, lo + segment->p_memsz};
        if (!memory.contains(search.address)) continue;
        if (is_thread_local) search.found = place{audit_finding::thread_local_storage, memory, module->dlpi_name};
        else search.found = place{audit_finding::global, {search.address, search.address + sizeof(std::uintptr_t)}};
        return 1;
    }
    return 0;
}

// A variable of a module's.
std::optional<place> in_module(std::uintptr_t address) noexcept {
    module_search search{address, {}};
    ::dl_iterate_phdr(look_into_module, &search);
    return search.found;
}

// Growth itself runs below where the thread's own code waits.
std::uintptr_t thread_sp() noexcept { return reinterpret_cast<std::uintptr_t>(grow::this_thread().root.context); }

// What is in use of it begins where the coroutines' resumer stands. Below lies what returned functions have left.
bounds threads_escape_stack() noexcept {
    if (!detail::has_escape_stacks() || !__get_unsafe_stack_top) return {};
    return {reinterpret_cast<std::uintptr_t>(__get_unsafe_stack_bottom()),
            reinterpret_cast<std::uintptr_t>(__get_unsafe_stack_top())};
}

bool is_on_alternate_stack(std::uintptr_t address) noexcept {
    stack_t current;
    if (::sigaltstack(nullptr, &current) != 0) return false;
    return address - reinterpret_cast<std::uintptr_t>(current.ss_sp) < current.ss_size;
}

// Another thread's stack: its control block lies at the high end, and the list of robust mutexes in that.
bool is_a_threads(const mapping& m) noexcept {
    const int tasks = ::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    alignas(dirent64) char entries[1024];
    bool is_found = false;
    for (long got; tasks >= 0 && (got = ::syscall(SYS_getdents64, tasks, entries, sizeof entries)) > 0;) {
        for (long at = 0; at < got;) {
            const auto& task = *reinterpret_cast<const dirent64*>(entries + at);
            void* head = nullptr;
            std::size_t bytes = 0;
            ::syscall(SYS_get_robust_list, std::atoi(task.d_name), &head, &bytes);
            is_found = is_found || m.memory.contains(reinterpret_cast<std::uintptr_t>(head));
            at += task.d_reclen;
        }
    }
    if (tasks >= 0) ::close(tasks);
    return is_found;
}

// A record's words are right, or made right, before they are used; copies of options have anything between their
// members.
bool is_growstacks_own(std::uintptr_t address, const grow::stack& moved) noexcept {
    return address - reinterpret_cast<std::uintptr_t>(&moved) < sizeof moved ||
           address - reinterpret_cast<std::uintptr_t>(&detail::last_used) < sizeof detail::last_used;
}

// _Unwind_Exception, fourth word: the handler's frame, which the next throw sets anew.
bool is_unwinders_own(std::uintptr_t address) noexcept {
    constexpr std::uintptr_t own_class = 0x474e5543432b2b00; // "GNUCC++\0"; 1: a dependent one
    return (read_word(address - 3 * sizeof(std::uintptr_t)) & ~std::uintptr_t{1}) == own_class;
}

std::optional<place> in_own_heap(std::uintptr_t address) noexcept {
    const heap::mspan* const span = heap::shared_heap().pages.find(address);
    if (!span || span->is_free()) return {};
    if (span->state == heap::span_state::large) return place{audit_finding::heap_block, {span->lo, span->hi()}};
    const std::size_t bytes = heap::slot_bytes(span->slot_class);
    const std::uintptr_t lo = span->lo + heap::first_slot_offset(span->slot_class) + span->slot_index(address) * bytes;
    return place{audit_finding::heap_block, {lo, lo + bytes}};
}

} // namespace

bool is_for_stacks(const mapping& m) noexcept {
    return grow::shared_pool().owns(m.memory.lo, m.memory.hi) || grow::owns_escape_memory(m.memory);
}

answer place_of(std::uintptr_t address, const mapping& m, const grow::stack& moved, bounds nothing,
                bool may_wait) noexcept {
    if (is_growstacks_own(address, moved) || own_buffers().contains(address) || is_unwinders_own(address)) return {};
    if (const auto variable = in_module(address)) return {variable, {}};
    if (m.memory.contains(thread_sp())) {
        if (address < thread_sp()) return {};
        return {place{audit_finding::thread_stack, {thread_sp(), m.memory.hi}}, {}};
    }
    if (const bounds second = threads_escape_stack(); second.contains(address)) {
        const std::uintptr_t lo = grow::this_thread().root.escape_pointer;
        if (address < lo) return {{}, {second.lo, lo}};
        return {place{audit_finding::thread_escape_stack, {lo, lo}}, {}};
    }
    if (grow::owns_escape_memory({address, address + 1})) return {};
    if (is_on_alternate_stack(address) || grow::shared_pool().owns(address, address + 1)) return {};
    if (heap::shared_heap().pages.owns(address, address + 1)) return {in_own_heap(address), {}};
    const malloc_place block = malloc_block(address, m, nothing, may_wait);
    if (block.is_in_use) return {place{audit_finding::heap_block, block.memory}, {}};
    if (has_malloc_blocks() || is_a_threads(m)) return {{}, block.memory};
    return {place{audit_finding::mapping, m.memory}, block.memory};
}

} // namespace growstack::audit
