// The families of stacks. One lock for all: it is taken when a coroutine creates or destroys a coroutine and when a
// stack with dependents moves; coroutines created by plain threads, and stacks without dependents, never take it.
#include "stack/family.hpp"
#include "stack/adjust.hpp"

#include <growstack/detail/thread.hpp>

#include <mutex>
#include <utility>

namespace growstack::grow {

// A stack that another thread runs cannot be re-pointed under it; whoever shares a moving stack with a coroutine on
// another thread has a data race anyway. On this thread, only stacks that do not run are met here.
bool is_at_rest(const stack& s) noexcept {
    if (!s.resumer) return true;
    const native_call* native = this_thread().native;
    for (const stack* active = this_thread().running; active;) {
        if (active == &s) return true;
        if (active->policy() && active->books().destroyer) active = active->books().destroyer;
        else if (active->policy()) active = active->resumer;
        else active = native ? std::exchange(native, native->outer)->caller : nullptr;
    }
    return false;
}

namespace {

std::mutex families;

void link(stack& child, stack* creator) noexcept {
    stack_books& books = child.books();
    books.creator = creator;
    books.previous_sibling = nullptr;
    books.next_sibling = creator ? std::exchange(creator->books().first_dependent, &child) : nullptr;
    if (books.next_sibling) books.next_sibling->books().previous_sibling = &child;
}

void unlink(stack& child) noexcept {
    stack_books& books = child.books();
    if (!books.creator) return;
    stack*& link = books.previous_sibling ? books.previous_sibling->books().next_sibling
                                          : books.creator->books().first_dependent;
    link = books.next_sibling;
    if (books.next_sibling) books.next_sibling->books().previous_sibling = books.previous_sibling;
    books.creator = books.previous_sibling = books.next_sibling = nullptr;
}

// In preorder; no recursion, for families may be as deep as there are coroutines.
stack* next_dependent(const stack& origin, stack& after) noexcept {
    if (stack* const child = after.books().first_dependent) return child;
    for (stack* s = &after; s != &origin; s = s->books().creator)
        if (stack* const sibling = s->books().next_sibling) return sibling;
    return nullptr;
}

} // namespace

void join_family(stack& created, stack& creator) noexcept {
    stack* nearest = creator.policy() && creator.policy()->moves ? &creator : creator.books().creator;
    if (!nearest) return;
    const checks_off quiet;
    const std::lock_guard lock{families};
    if (&creator != nearest) nearest = creator.books().creator; // it may have left meanwhile
    link(created, nearest);
}

void leave_family(stack& leaving) noexcept {
    if (!leaving.books().creator && !leaving.books().first_dependent) return;
    const checks_off quiet;
    const std::lock_guard lock{families};
    stack* const heir = leaving.books().creator;
    unlink(leaving);
    while (stack* orphan = leaving.books().first_dependent) {
        unlink(*orphan);
        link(*orphan, heir);
    }
}

void adjust_dependents(stack& origin, const displacement& moved) noexcept {
    if (!origin.books().first_dependent) return;
    const std::lock_guard lock{families};
    for (stack* s = origin.books().first_dependent; s; s = next_dependent(origin, *s)) {
        adjust_attached(*s, moved);
        if (is_at_rest(*s)) adjust_frames(*s, moved);
    }
}

} // namespace growstack::grow
