// Looking for marks.
#include "memory/find_stack.hpp"
#include "memory/quarantine.hpp"
#include "memory/stack_pool.hpp"
#include "sanitizer/valgrind.hpp"

namespace growstack::grow {
namespace {

stack* stack_with_top(std::uintptr_t hi) noexcept {
    const stack_books& books = reinterpret_cast<const stack_books*>(hi)[-1];
    return books.mark == stack_books::whole && books.self->memory.hi == hi ? books.self : nullptr;
}

stack* stack_at_exactly(std::uintptr_t address) noexcept {
    const stack_pool::slot found = shared_pool().slot_at(address);
    stack* const self = found.top ? stack_in_slot(found.size_class, found.top) : nullptr;
    return self && address - self->memory.lo <= self->memory.bytes() ? self : nullptr;
}

} // namespace

stack* stack_in_slot(stack_class c, std::uintptr_t top) noexcept {
    if (is_in_quarantine(top - bytes_of(c))) return nullptr;
    const valgrind_ignores quiet; // it may be anything's memory
    for (std::uintptr_t hi = top; hi > top - slot_alignment(c); hi -= top_step_bytes)
        if (stack* const found = stack_with_top(hi)) return found;
    return nullptr;
}

stack* stack_at(std::uintptr_t address) noexcept {
    stack* const found = stack_at_exactly(address);
    return found ? found : stack_at_exactly(address - 1);
}

} // namespace growstack::grow
