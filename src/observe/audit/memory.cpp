// Source: proc(5) for /proc/self/maps; mincore(2); process_vm_readv(2), which says EFAULT where a plain read would be a
// fault.
#include "observe/audit/memory.hpp"

#include <growstack/detail/config.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace growstack::audit {
namespace {

using detail::page_bytes;

constexpr std::size_t block_bytes = std::size_t{64} << 10;
constexpr std::size_t pages_at_once = std::size_t{64} << 10;

// Static: the thread's stack may be small.
struct buffers {
    char lines[16 << 10];
    unsigned char is_resident[pages_at_once];
    std::uintptr_t words[block_bytes / sizeof(std::uintptr_t)];
    std::uintptr_t ahead[4096]; // a word_reader's
};

constinit buffers own{};

std::uintptr_t take_hex(std::string_view& text) noexcept {
    std::uintptr_t number = 0;
    for (; !text.empty(); text.remove_prefix(1)) {
        const char c = text.front();
        if (c >= '0' && c <= '9') number = number * 16 + static_cast<unsigned>(c - '0');
        else if (c >= 'a' && c <= 'f') number = number * 16 + static_cast<unsigned>(c - 'a' + 10);
        else break;
    }
    return number;
}

// "lo-hi rw-p offset device inode   [heap]"
bool parse(std::string_view line, mapping& m) noexcept {
    m.memory.lo = take_hex(line);
    line.remove_prefix(std::min<std::size_t>(line.size(), 1));
    m.memory.hi = take_hex(line);
    m.is_main_heap = line.ends_with("[heap]");
    return line.starts_with(" rw") && line.size() > 4 && line[4] == 'p';
}

std::size_t read_memory(std::uintptr_t lo, std::size_t bytes, void* to) noexcept {
    const iovec local{to, bytes}, remote{reinterpret_cast<void*>(lo), bytes};
    const ssize_t got = ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
}

void search_resident(bounds where, bounds range, on_found found, void* argument) noexcept {
    while (where.lo < where.hi) {
        const std::size_t bytes = read_memory(where.lo, std::min(where.bytes(), block_bytes), own.words);
        for (std::size_t i = 0; i < bytes / sizeof own.words[0]; ++i)
            if (range.contains(own.words[i])) [[unlikely]]
                found(where.lo + i * sizeof own.words[0], own.words[i], argument);
        where.lo += bytes & ~(sizeof own.words[0] - 1);
        if (bytes < block_bytes && where.lo < where.hi) where.lo = (where.lo | (page_bytes - 1)) + 1; // not readable
    }
}

} // namespace

void for_each_mapping(void (*visit)(const mapping&, void*), void* argument) noexcept {
    const int file = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    std::size_t length = 0;
    for (ssize_t got; (got = ::read(file, own.lines + length, sizeof own.lines - length)) > 0;) {
        std::string_view rest{own.lines, length + static_cast<std::size_t>(got)};
        for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
            mapping m;
            if (parse(rest.substr(0, end), m)) visit(m, argument);
        }
        length = rest.size();
        std::memmove(own.lines, rest.data(), length);
    }
    ::close(file);
}

std::uintptr_t read_word(std::uintptr_t address) noexcept {
    std::uintptr_t word = 0;
    read_memory(address, sizeof word, &word);
    return word;
}

std::uintptr_t word_reader::operator()(std::uintptr_t address) noexcept {
    if (address < lo_ || address + sizeof(address) > lo_ + bytes_) {
        lo_ = address;
        bytes_ = read_memory(address, sizeof own.ahead, own.ahead);
    }
    return bytes_ >= sizeof(address) ? own.ahead[(address - lo_) / sizeof(address)] : 0;
}

void search(bounds where, bounds range, on_found found, void* argument) noexcept {
    where.lo = (where.lo + sizeof(std::uintptr_t) - 1) & ~(sizeof(std::uintptr_t) - 1);
    for (std::uintptr_t slice = where.lo & ~(page_bytes - 1); slice < where.hi; slice += pages_at_once * page_bytes) {
        const std::size_t pages = std::min((where.hi - slice + page_bytes - 1) / page_bytes, pages_at_once);
        if (::mincore(reinterpret_cast<void*>(slice), pages * page_bytes, own.is_resident) != 0) continue;
        for (std::size_t first = 0, last; first < pages; first = last + 1) {
            for (last = first; last < pages && (own.is_resident[last] & 1); ++last) {
            }
            const bounds resident{slice + first * page_bytes, slice + last * page_bytes};
            search_resident({std::max(resident.lo, where.lo), std::min(resident.hi, where.hi)}, range, found, argument);
        }
    }
}

bounds own_buffers() noexcept {
    const auto lo = reinterpret_cast<std::uintptr_t>(&own);
    return {lo, lo + sizeof own};
}

} // namespace growstack::audit
