// Root slots lie outside a stack and follow it when it moves. Each stack has a list of the slots that point into it.
#pragma once

#include <growstack/detail/bounds.hpp>

#include <cstddef>

namespace growstack::grow {

struct stack;

/// One pointer, or a range of them. In the heap, so that neighbours on the list find it wherever its root<T*> goes.
struct root_slot {
    void* pointer = nullptr;
    void* range = nullptr; // of pointers; null: `pointer` is the only one
    std::size_t count = 0;
    stack* of = nullptr; // on whose list it is
    root_slot* next = nullptr;
    root_slot* previous = nullptr;
};

/// Returns a slot that is on no list. Throws std::bad_alloc.
root_slot* new_root();

/// Returns a slot for a range of pointers, on the list of the running coroutine's stack, if there is one. Throws
/// std::bad_alloc.
root_slot* new_root_range(void* pointers, std::size_t count);

/// Null: does nothing.
void delete_root(root_slot* slot) noexcept;

/// Points the slot to p, and puts it on the list of the stack that p points into, if there is one.
void point_root(root_slot& slot, void* p) noexcept;

/// Re-points the slots on the list of a stack that has moved.
void adjust_roots(stack& self, const displacement& moved) noexcept;

/// Takes all slots off the list of a stack that ends.
void leave_roots(stack& self) noexcept;

/// Locks all lists if this stack's is not empty. Held while the stack moves, its list with it.
class roots_lock {
public:
    explicit roots_lock(const stack& self) noexcept;
    ~roots_lock();
    roots_lock(const roots_lock&) = delete;
    roots_lock& operator=(const roots_lock&) = delete;

private:
    bool is_locked_;
};

} // namespace growstack::grow
