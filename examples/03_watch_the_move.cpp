// Question: how can a stack move while functions are running on it?
//
// You will see each move in its four steps (newstack, copystack, adjust, stackfree), and afterwards: a local lies at
// another address; a pointer to it points to the new place; a list whose nodes lie in seven frames is whole; and a
// copy of the address that was kept outside the stack, in a global, is out of date.
//
// Open: include/growstack/contiguous_stack.hpp (the picture), src/stack/move.cpp (copystack and move),
// include/growstack/detail/bounds.hpp (displacement::apply: what counts as a pointer), src/arch/x86_64/relocate.cpp
// (the copy).
//
// Exercise: make `address_before` a local of watch(). Why does the program now say that nothing moved? (Hint: what is
// the difference between a pointer and a number, for somebody who only sees words?)
#include <growstack/growstack.hpp>

#include <cstdint>
#include <cstdio>

namespace {

struct node {
    int value;
    const node* next; // in the caller's frame
};

// Outside the stack, so no move changes it. volatile: compilers know that locals stay where they are.
volatile std::uintptr_t address_before;

const char* yes_no(bool answer) { return answer ? "yes" : "no"; }

void print_event(const growstack::trace_event& e) {
    const char* rest = e.kind == growstack::trace_event::copystack ? " and a bit: the live frames" : "";
    if (e.kind == growstack::trace_event::adjust)
        std::printf("  adjust     re-pointed words that pointed into the old stack: %s\n", yes_no(e.pointers > 0));
    else std::printf("  %-9s  %zu KiB%s\n", growstack::name(e.kind), e.bytes / 1024, rest);
}

// Makes compilers believe that somebody looks at the room, so that the frame keeps it.
void use(char* room) { asm volatile("" : : "r"(room) : "memory"); }

// Each frame holds 10 KiB, and a node that points to the caller's node.
[[gnu::noinline]] void add_nodes(int value, const node* caller) {
    char room[10 * 1024];
    use(room);
    const node mine{value, caller};
    std::printf("node %d\n", value);
    if (value < 7) {
        add_nodes(value + 1, &mine);
    } else {
        std::printf("the list, from the innermost frame up:");
        for (const node* n = &mine; n; n = n->next) std::printf(" %d", n->value);
        std::puts("");
    }
    use(room); // after the call, or it would be the function's last act, which compilers make a jump
}

[[gnu::noinline]] void watch() {
    int local = 42;
    int* volatile pointer = &local;
    address_before = reinterpret_cast<std::uintptr_t>(&local);
    add_nodes(1, nullptr);
    const auto address_now = reinterpret_cast<std::uintptr_t>(&local);
    std::printf("local has moved away from the address kept in a global: %s\n", yes_no(address_now != address_before));
    std::printf("the pointer to local points to its new place: %s\n", yes_no(pointer == &local));
    *pointer = 43;
    std::printf("written through the pointer, local is %d\n", local);
}

} // namespace

int main() {
    growstack::set_trace(print_event);
    growstack::coroutine<growstack::contiguous_stack> body{watch};
    std::puts("A stack of 16 KiB, 8 KiB of them headroom. Each node's frame needs 10 KiB.");
    body.resume();
    std::printf("moves: %zu\n", body.stats().moves);
    std::printf("most memory at one time, the old and the new stack of the last move: %zu KiB\n",
                body.stats().peak_stack_bytes / 1024);
}
