// Valgrind's view of the stacks. Where its header is missing at compile time, the functions do nothing.
//
// Source: valgrind/valgrind.h and memcheck.h; coregrind/m_stacks.c, which takes a change of sp from one registered
// stack to another for a switch, and any other for a push or a pop, if it is not very far.
#include "sanitizer/valgrind.hpp"

#include <algorithm>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>

#include <sys/mman.h>

#include <bit>
#include <utility>

namespace growstack::grow {
namespace {

// Valgrind's numbers of the stacks that it knows, by their high ends: a hash table with linear probing, in pages of its
// own, for growth must not use the heap.
class stack_numbers {
public:
    void add(std::uintptr_t hi, unsigned number) noexcept {
        if (2 * (count_ + 1) > capacity_ && !enlarge()) return; // then it stays registered, that is all
        entries_[place_of(hi)] = {hi, number};
        ++count_;
    }

    // Returns 0 if there is none: Valgrind's numbers begin with its main thread's stack.
    unsigned remove(std::uintptr_t hi) noexcept {
        if (!count_) return 0;
        std::size_t hole = place_of(hi);
        if (!entries_[hole].hi) return 0;
        const unsigned number = std::exchange(entries_[hole], {}).number;
        --count_;
        // What follows may have been put there because the hole's place was taken.
        for (std::size_t i = next(hole); entries_[i].hi; i = next(i)) {
            const entry e = std::exchange(entries_[i], {});
            entries_[place_of(e.hi)] = e;
        }
        return number;
    }

private:
    struct entry {
        std::uintptr_t hi = 0;
        unsigned number = 0;
    };

    std::size_t next(std::size_t i) const noexcept { return (i + 1) & (capacity_ - 1); }

    // Where the hi's entry is, or belongs.
    std::size_t place_of(std::uintptr_t hi) const noexcept {
        std::size_t i = (hi >> 10) * 0x9e3779b97f4a7c15 >> (64 - std::countr_zero(capacity_));
        while (entries_[i].hi && entries_[i].hi != hi) i = next(i);
        return i;
    }

    bool enlarge() noexcept {
        const std::size_t capacity = std::max<std::size_t>(256, 2 * capacity_);
        void* const memory = ::mmap(nullptr, capacity * sizeof(entry), PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return false;
        entry* const old = std::exchange(entries_, static_cast<entry*>(memory));
        const std::size_t old_capacity = std::exchange(capacity_, capacity);
        for (std::size_t i = 0; i < old_capacity; ++i)
            if (old[i].hi) entries_[place_of(old[i].hi)] = old[i];
        if (old) ::munmap(old, old_capacity * sizeof(entry));
        return true;
    }

    entry* entries_ = nullptr;
    std::size_t count_ = 0, capacity_ = 0; // a power of two
};

constinit stack_numbers numbers;

constexpr std::size_t link_bytes = 2 * sizeof(void*); // of a free slot, at its high end: stack_pool.hpp

} // namespace

bool has_valgrind() noexcept { return RUNNING_ON_VALGRIND; }

namespace {

[[gnu::constructor(102)]] void note_valgrind() noexcept {
    if (has_valgrind()) stress_bits |= valgrind_bit;
}

} // namespace

unsigned announce_stack(bounds memory) noexcept { return VALGRIND_STACK_REGISTER(memory.lo, memory.hi - 1); }

void forget_stack(unsigned number) noexcept {
    if (number) VALGRIND_STACK_DEREGISTER(number);
}

void announce_slot(bounds slot) noexcept {
    VALGRIND_MAKE_MEM_UNDEFINED(slot.lo, slot.bytes());
    numbers.add(slot.hi, announce_stack(slot));
}

void retire_slot(bounds slot) noexcept {
    forget_stack(numbers.remove(slot.hi));
    VALGRIND_MAKE_MEM_NOACCESS(slot.lo, slot.bytes() - link_bytes);
    VALGRIND_MAKE_MEM_UNDEFINED(slot.hi - link_bytes, link_bytes);
}

namespace {

constinit decltype(relocate_kernel::run) kernel_of_cpu = nullptr;

// Relocates what is known of each byte with it. Of a word that is defined in part, Memcheck knows nothing any more once
// it has been compared and added to.
void relocate_for_valgrind(std::uintptr_t* to, const std::uintptr_t* from, std::size_t words,
                           const displacement& moved) noexcept {
    constexpr std::size_t most_words = 64;
    std::uintptr_t known[most_words];
    std::size_t piece = most_words;
    while (words) {
        const std::size_t count = std::min(words, piece), bytes = count * sizeof *from;
        const bool is_known = VALGRIND_GET_VBITS(from, known, bytes) == 1;
        if (!is_known && count > 1) { // some of it is inaccessible, or this is a tool other than Memcheck
            piece = 1;
            continue;
        }
        const valgrind_ignores quiet;
        if (is_known) VALGRIND_MAKE_MEM_DEFINED(from, bytes);
        kernel_of_cpu(to, from, count, moved);
        if (is_known) VALGRIND_SET_VBITS(from, known, bytes);
        if (is_known) VALGRIND_SET_VBITS(to, known, bytes);
        words -= count;
        to += count;
        from += count;
    }
}

void adjust_for_valgrind(std::uintptr_t* words, std::size_t count, const displacement& moved) noexcept {
    relocate_for_valgrind(words, words, count, moved);
}

// After the choice by what the CPU has.
[[gnu::constructor(102)]] void choose_for_valgrind() noexcept {
    if (!has_valgrind()) return;
    kernel_of_cpu = std::exchange(chosen_kernel.run, relocate_for_valgrind);
    chosen_kernel.adjust = adjust_for_valgrind;
}

} // namespace

void define_for_valgrind(void* lo, std::size_t bytes) noexcept { VALGRIND_MAKE_MEM_DEFINED(lo, bytes); }
void reuse_for_valgrind(bounds memory) noexcept { VALGRIND_MAKE_MEM_UNDEFINED(memory.lo, memory.bytes()); }
void retire_for_valgrind(bounds memory) noexcept { VALGRIND_MAKE_MEM_NOACCESS(memory.lo, memory.bytes()); }

valgrind_ignores::valgrind_ignores() noexcept { VALGRIND_DISABLE_ERROR_REPORTING; }
valgrind_ignores::~valgrind_ignores() { VALGRIND_ENABLE_ERROR_REPORTING; }

} // namespace growstack::grow

#else

namespace growstack::grow {

bool has_valgrind() noexcept { return false; }
unsigned announce_stack(bounds) noexcept { return 0; }
void forget_stack(unsigned) noexcept {}
void announce_slot(bounds) noexcept {}
void retire_slot(bounds) noexcept {}
void define_for_valgrind(void*, std::size_t) noexcept {}
void reuse_for_valgrind(bounds) noexcept {}
void retire_for_valgrind(bounds) noexcept {}
valgrind_ignores::valgrind_ignores() noexcept {}
valgrind_ignores::~valgrind_ignores() {}

} // namespace growstack::grow

#endif
