// What an idiom is: a small piece of everyday C++ that takes the address of a local variable, gives it to somebody,
// lets the stack grow, and then checks that whoever has the address still finds the variable. It returns whether all is
// right.
//
// Each file has the idioms of one kind. To add one, write IDIOM in the file of its kind, and tests/idioms/table.py
// writes its line into docs/idioms.md.
#pragma once

#include <cstddef>
#include <memory>

/// Where the address of the local goes.
enum class place {
    private_,      ///< nowhere but on the same stack: right on every build
    heap,          ///< into a block in the heap that the stack points to
    deeper_heap,   ///< into a block in the heap that other blocks point to
    global,        ///< into a global or static variable
    thread_local_, ///< into a thread-local variable
    thread,        ///< to another thread
    kernel,        ///< to the kernel, which gives it back later
    encoded,       ///< anywhere, but in another form than a plain pointer
    address_keyed, ///< into a container that is searched by the address itself
    library,       ///< into what the C++ or the C library keeps behind the scenes
    exception,     ///< into an exception
    stackless,     ///< into the frame of a C++20 coroutine
    variadic,      ///< into a list of variable arguments
};

struct idiom {
    const char* name;
    place where;
    const char* sentence; ///< says where the address goes
    bool (*run)();        ///< true: all is right
};

struct registered {
    registered(const char* name, place where, const char* sentence, bool (*run)());

    idiom what;
    const registered* next;
};

/// The last one registered; `next` leads to the others.
extern const registered* all_idioms;

#define IDIOM(name, where, sentence)                                                        \
    static bool idiom_##name();                                                             \
    static const registered registered_##name{#name, place::where, sentence, idiom_##name}; \
    static bool idiom_##name()

/// Calls itself until it has used some 250 KiB of stack, and returns. A contiguous stack has moved several times then.
void grow();

/// Ends an idiom that went wrong at once. For those whose other threads might wait for ever.
[[noreturn]] void give_up();

/// Shows an address to the compiler as if somebody else got it, so that it does not do away with what lies there.
inline void show(const void* address) { asm volatile("" : : "r"(address) : "memory"); }

/// Makes an object in the heap that the compiler cannot do away with.
template <class T, class... Args>
std::unique_ptr<T> in_heap(Args&&... args) {
    std::unique_ptr<T> made{new T{std::forward<Args>(args)...}};
    show(made.get());
    return made;
}

/// Changes `local` after growth, and returns whether the pointer that somebody has kept sees it. (A stale one would
/// still find the old value where the stack was, so reading alone tells nothing.)
inline bool sees_change(int& local, int* const& kept) {
    grow();
    local += 41;
    return *kept == local;
}
