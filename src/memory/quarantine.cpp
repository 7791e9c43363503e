// A ring of the stacks that were moved away from last.
#include "memory/quarantine.hpp"
#include "base/fatal.hpp"
#include "base/outward_call.hpp"
#include "memory/stack_pool.hpp"
#include "memory/stackalloc.hpp"
#include "system/guard.hpp"

#include <array>
#include <mutex>
#include <utility>

namespace growstack::grow {
namespace {

class ring {
public:
    static constexpr std::size_t capacity = 256;

    bool is_empty() const noexcept { return count_ == 0; }
    bool is_full() const noexcept { return count_ == capacity; }

    void push(const former_stack& s) noexcept { all_[(first_ + count_++) % capacity] = s; }

    former_stack pop() noexcept {
        --count_;
        return std::exchange(all_[first_++ % capacity], {}); // the audit would find what is left there
    }

    const former_stack* find(std::uintptr_t address) const noexcept {
        for (std::size_t i = 0; i < count_; ++i)
            if (const former_stack& s = all_[(first_ + i) % capacity]; s.memory.contains(address)) return &s;
        return nullptr;
    }

private:
    std::array<former_stack, capacity> all_{};
    std::size_t first_ = 0, count_ = 0;
};

constinit std::mutex mutex;
constinit ring kept;

// Larger ones would use up the address space.
constexpr std::size_t largest_kept_bytes = std::size_t{64} << 20;

// Precondition: there is one. While it is on the ring it has no access, and afterwards it has: so with the lock.
former_stack take_oldest() noexcept {
    const former_stack oldest = kept.pop();
    remove_guard(oldest.memory);
    return oldest;
}

// Without the lock: the pool's is held where is_in_quarantine() is asked.
void give_back(const former_stack& s) noexcept {
    const stack_class c = stack_class_of(s.memory.bytes(), s.layout);
    shared_pool().give(c, slot_hi_of(c, s.memory.hi));
}

} // namespace

void stackfree_after_move(const stack& self, bounds old, stack_layout layout, std::uintptr_t code) noexcept {
    if (!is_faulting()) [[likely]]
        return stackfree(old, layout);
    const outward_call outward;
    if (old.bytes() > largest_kept_bytes || !install_guard(old)) return stackfree(old, layout);
    count_freed(static_cast<std::ptrdiff_t>(bytes_of(stack_class_of(old.bytes(), layout))));
    std::unique_lock lock{mutex};
    const bool is_full = kept.is_full();
    const former_stack oldest = is_full ? take_oldest() : former_stack{};
    kept.push({&self, old, layout, self.counts().moves, code});
    lock.unlock();
    if (is_full) give_back(oldest);
}

void end_quarantine() noexcept {
    for (std::unique_lock lock{mutex}; !kept.is_empty(); lock.lock()) {
        const former_stack oldest = take_oldest();
        lock.unlock();
        give_back(oldest);
    }
}

bool is_in_quarantine(std::uintptr_t address) noexcept {
    const std::lock_guard lock{mutex};
    return kept.find(address) != nullptr;
}

// Without the lock: the program is about to end, and the interrupted code may hold it.
void report_if_stale(std::uintptr_t touched, interrupted_code& code) noexcept {
    if (const former_stack* const found = kept.find(touched)) detail::fatal_stale_pointer(*found, touched, code.ip());
}

} // namespace growstack::grow
