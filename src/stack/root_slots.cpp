// The lists of slots that point into stacks. One lock for all: stacks without roots never take it.
#include "memory/find_stack.hpp"
#include "stack/root_stack.hpp"

#include <growstack/detail/root_slots.hpp>
#include <growstack/heap/resource.hpp>
#include "stack/adjust.hpp"

#include <mutex>
#include <new>

namespace growstack::grow {
namespace {

constinit std::mutex all_roots;

void unlink(root_slot& slot) noexcept {
    if (!slot.of) return;
    (slot.previous ? slot.previous->next : slot.of->books().roots) = slot.next;
    if (slot.next) slot.next->previous = slot.previous;
    slot.of = nullptr;
}

void link(root_slot& slot, stack& to) noexcept {
    slot.of = &to;
    slot.previous = nullptr;
    slot.next = to.books().roots;
    if (slot.next) slot.next->previous = &slot;
    to.books().roots = &slot;
}

bool may_point_into(const stack& self, std::uintptr_t address) noexcept {
    return self.kind() && self.kind()->is_movable && address - self.memory.lo <= self.memory.bytes();
}

// The movable stack that the address lies in, or one past the end of; null if there is none.
stack* movable_stack_at(std::uintptr_t address) noexcept {
    stack* const running = this_thread().running;
    if (running && may_point_into(*running, address)) return running;
    stack* const found = stack_at(address);
    return found && may_point_into(*found, address) ? found : nullptr;
}

} // namespace

root_slot* new_root() {
    root_slot* slot = nullptr;
    with_room_to_throw([&slot] {
        void* const place = heap::allocate(sizeof(root_slot));
        if (!place) throw std::bad_alloc{};
        slot = ::new (place) root_slot;
    });
    return slot;
}

root_slot* new_root_range(void* pointers, std::size_t count) {
    root_slot* const slot = new_root();
    slot->range = pointers;
    slot->count = count;
    with_room([slot] {
        stack* const running = this_thread().running;
        const std::lock_guard lock{all_roots};
        if (running && running->kind() && running->kind()->is_movable) link(*slot, *running);
    });
    return slot;
}

void delete_root(root_slot* slot) noexcept {
    if (!slot) return;
    with_room([slot] {
        {
            const std::lock_guard lock{all_roots};
            unlink(*slot);
        }
        heap::deallocate(slot, sizeof *slot);
    });
}

void point_root(root_slot& slot, void* p) noexcept {
    with_room([&slot, p] {
        const std::lock_guard lock{all_roots};
        unlink(slot);
        slot.pointer = p;
        if (stack* const target = p ? movable_stack_at(reinterpret_cast<std::uintptr_t>(p)) : nullptr)
            link(slot, *target);
    });
}

void adjust_roots(stack& self, const displacement& moved) noexcept {
    for (root_slot* slot = self.books().roots; slot; slot = slot->next) {
        const auto lo = reinterpret_cast<std::uintptr_t>(slot->range ? slot->range : &slot->pointer);
        adjust_range({lo, lo + (slot->range ? slot->count : 1) * sizeof(void*)}, moved);
    }
}

void leave_roots(stack& self) noexcept {
    if (!self.books().roots) return;
    const std::lock_guard lock{all_roots};
    while (root_slot* const slot = self.books().roots) unlink(*slot);
}

roots_lock::roots_lock(const stack& self) noexcept : is_locked_{self.books().roots != nullptr} {
    if (is_locked_) all_roots.lock();
}

roots_lock::~roots_lock() {
    if (is_locked_) all_roots.unlock();
}

} // namespace growstack::grow
