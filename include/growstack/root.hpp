// Roots: pointers outside a stack that follow what they point to when the stack moves.
#pragma once

#include <growstack/detail/root_slots.hpp>

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace growstack {

template <class Pointer>
class root;

/// Holds a pointer, which may point into any coroutine's stack, or past the end of an object there, and is re-pointed
/// at each move of that stack. It may lie anywhere, and be moved and copied. Assigning takes a lock; reading is one
/// more indirection. To be used by one thread at a time, while no other thread runs the coroutine. After the
/// coroutine's end the pointer dangles, as any would.
template <class T>
class root<T*> {
public:
    root() noexcept = default;
    /// Throws std::bad_alloc.
    root(T* p) { *this = p; }
    root(const root& other) { *this = other.get(); }
    root(root&& other) noexcept : slot_{std::exchange(other.slot_, nullptr)} {}
    ~root() { grow::delete_root(slot_); }

    root& operator=(T* p) {
        if (!slot_) slot_ = grow::new_root();
        grow::point_root(*slot_, const_cast<std::remove_cv_t<T>*>(p));
        return *this;
    }
    root& operator=(const root& other) { return *this = other.get(); }
    root& operator=(root&& other) noexcept {
        std::swap(slot_, other.slot_);
        return *this;
    }

    T* get() const noexcept { return slot_ ? static_cast<T*>(slot_->pointer) : nullptr; }
    operator T*() const noexcept { return get(); }
    T& operator*() const noexcept { return *get(); }
    T* operator->() const noexcept { return get(); }

private:
    grow::root_slot* slot_ = nullptr;
};

template <class T>
root(T*) -> root<T*>;

/// While it lives, the pointers in a range that lies outside of any stack, in the heap say, are re-pointed at each move
/// of the stack of the coroutine that made it: those that point into that stack then. No effect outside coroutines. It
/// may not outlive the range.
class root_range {
public:
    /// Throws std::bad_alloc.
    template <class T>
    explicit root_range(std::span<T*> pointers)
        : slots_{grow::new_root_range(const_cast<std::remove_cv_t<T>**>(pointers.data()), pointers.size())} {}
    ~root_range() { grow::delete_root(slots_); }
    root_range(const root_range&) = delete;
    root_range& operator=(const root_range&) = delete;

private:
    grow::root_slot* slots_;
};

} // namespace growstack
