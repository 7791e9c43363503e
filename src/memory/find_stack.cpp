// Looking for marks.
#include "memory/find_stack.hpp"
#include "memory/quarantine.hpp"
#include "memory/stack_pool.hpp"
#include "sanitizer/valgrind.hpp"

namespace growstack::grow {
namespace {

stack* stack_that_ends_at(std::uintptr_t hi) noexcept {
    const stack_books& books = reinterpret_cast<const stack_books*>(hi)[-1];
    return books.mark == stack_books::whole && books.self->memory.hi == hi ? books.self : nullptr;
}

stack* stack_in_slot_at(std::uintptr_t address) noexcept {
    const stack_pool::slot found = shared_pool().slot_at(address);
    stack* const self = found.hi ? stack_in_slot(found.size_class, found.hi) : nullptr;
    return self && address - self->memory.lo <= self->memory.bytes() ? self : nullptr;
}

} // namespace

stack* stack_in_slot(stack_class c, std::uintptr_t slot_hi) noexcept {
    if (is_in_quarantine(slot_hi - bytes_of(c))) return nullptr;
    const valgrind_ignores quiet; // it may be anything's memory
    for (std::uintptr_t hi = slot_hi; hi > slot_hi - slot_alignment(c); hi -= hi_step_bytes)
        if (stack* const found = stack_that_ends_at(hi)) return found;
    return nullptr;
}

stack* find_stack(std::uintptr_t address) noexcept {
    stack* const found = stack_in_slot_at(address);
    return found ? found : stack_in_slot_at(address - 1);
}

} // namespace growstack::grow
