// The address of a local goes into a global or static variable, or into a block that only such a variable knows.
#include "idioms.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <csetjmp>
#include <csignal>

namespace {

/// Sets a variable for as long as this lives, as programs do with what is "current".
template <class T>
class [[nodiscard]] while_set {
public:
    while_set(T& variable, T value) : variable_(variable), before_(variable) { variable = value; }
    ~while_set() { variable_ = before_; }
    while_set(const while_set&) = delete;

private:
    T& variable_;
    T before_;
};

int* current = nullptr;
int* slots[16];
std::atomic<int*> published{nullptr};
std::vector<int*> registry;
std::map<std::string, int*>* variables = nullptr;
std::function<void(int)> on_event;

struct counter {
    static inline counter* instance = nullptr;
    int count = 0;
};

template <class T>
T* last_made = nullptr;

union either {
    long number;
    int* pointer;
} mixed;

/// A chain of the scopes that are open, innermost first, as of a profiler.
struct scope {
    static inline scope* innermost = nullptr;
    scope* outer = innermost;
    int ticks = 0;
    scope() { innermost = this; }
    ~scope() { innermost = outer; }
    scope(const scope&) = delete;
};

struct observer {
    int seen = 0;
};

struct subject {
    std::vector<observer*> observers;
    void notify() {
        for (observer* o : observers) ++o->seen;
    }
} the_subject;

int* volatile seen_by_handler = nullptr;
void on_signal(int) { *seen_by_handler = 7; }

int*& static_in_function() {
    static int* kept = nullptr;
    return kept;
}

} // namespace

IDIOM(global_pointer, global, "a global pointer") {
    int local = 1;
    const while_set set{current, &local};
    return sees_change(local, current);
}

IDIOM(static_in_a_function, global, "a static variable of a function") {
    int local = 1;
    static_in_function() = &local;
    return sees_change(local, static_in_function());
}

IDIOM(global_array, global, "an element of a global array") {
    int local = 1;
    slots[7] = &local;
    return sees_change(local, slots[7]);
}

IDIOM(static_member, global, "a static member: the only instance is a local") {
    counter local;
    counter::instance = &local;
    grow();
    ++counter::instance->count;
    return local.count == 1;
}

IDIOM(variable_template, global, "a variable template") {
    double local = 1;
    last_made<double> = &local;
    grow();
    *last_made<double> = 2;
    return local == 2;
}

IDIOM(global_union, global, "a global union, which often has a number instead") {
    int local = 1;
    mixed.pointer = &local;
    grow();
    *mixed.pointer = 3;
    return local == 3;
}

IDIOM(global_atomic, global, "a global atomic pointer") {
    int local = 1;
    published.store(&local);
    grow();
    *published.load() = 3;
    return local == 3;
}

IDIOM(global_vector, global, "a global vector: from the global to the heap, and from there to the local") {
    int local = 1;
    registry.push_back(&local);
    return sees_change(local, registry.back());
}

IDIOM(global_table_of_variables, global, "a global table of named variables, one of which is a local") {
    int local = 1;
    static std::map<std::string, int*> table;
    variables = &table;
    (*variables)["x"] = &local;
    grow();
    variables->at("x")[0] = 9;
    return local == 9;
}

IDIOM(global_function_small, global, "a global `std::function`, whose captures lie in it") {
    int sum = 0;
    on_event = [&sum](int x) { sum += x; };
    grow();
    on_event(3);
    return sum == 3;
}

IDIOM(global_function_large, global, "a global `std::function`, whose captures lie in the heap") {
    int a = 0, b = 0, c = 0;
    on_event = [&](int x) { a = b = c = x; };
    grow();
    on_event(2);
    return a + b + c == 6;
}

IDIOM(global_chain_of_scopes, global, "a global list of the open scopes, each of which is a local") {
    scope outer;
    scope inner;
    grow();
    for (scope* s = scope::innermost; s; s = s->outer) ++s->ticks;
    return outer.ticks == 1 && inner.ticks == 1;
}

IDIOM(global_subject, global, "a local observer in the list of a global subject") {
    observer local;
    the_subject.observers.push_back(&local);
    grow();
    the_subject.notify();
    the_subject.observers.clear();
    return local.seen == 1;
}

IDIOM(current_context, global, "functions deep down find their settings by a global, which points to a local") {
    struct settings {
        int level = 1;
    };
    static settings* active = nullptr;
    struct user {
        static int level() { return active->level; }
    };
    settings local;
    active = &local;
    grow();
    local.level = 4;
    return user::level() == 4;
}

IDIOM(signal_handler, global, "a signal handler writes through a global pointer") {
    int local = 1;
    seen_by_handler = &local;
    std::signal(SIGUSR1, on_signal);
    grow();
    std::raise(SIGUSR1);
    return local == 7;
}

IDIOM(cache_of_results, global, "a static cache remembers where a result lies") {
    struct cached {
        const char* key;
        const std::array<int, 3>* result;
    };
    static cached cache{};
    std::array<int, 3> local{1, 2, 3};
    cache = {"sum", &local};
    grow();
    local[0] = 10;
    return (*cache.result)[0] == 10;
}

IDIOM(global_unique_ptr, global, "a global `unique_ptr` to a struct that refers to a local") {
    struct session {
        int& bytes;
    };
    static std::unique_ptr<session> open;
    int local = 0;
    open.reset(new session{local});
    grow();
    open->bytes = 5;
    open.reset();
    return local == 5;
}

IDIOM(global_intrusive_list, global, "a local links itself into a global ring") {
    struct node {
        node *next, *previous;
    };
    static node ring{&ring, &ring};
    node local{&ring, &ring};
    ring.next = ring.previous = &local;
    grow();
    const bool right = ring.next == &local && ring.previous == &local;
    ring = {&ring, &ring};
    return right;
}

IDIOM(global_function_pointer_and_argument, global,
      "an exit handler of the program's own: a function and its `void*`") {
    struct handler {
        void (*f)(void*);
        void* argument;
    };
    static handler at_end{};
    int local = 0;
    at_end = {[](void* argument) { *static_cast<int*>(argument) = 1; }, &local};
    grow();
    at_end.f(at_end.argument);
    return local == 1;
}

IDIOM(longjmp_to_global_buffer, global, "a global `jmp_buf`, to which a deep call jumps, as of many programs in C") {
    static std::jmp_buf buffer;
    struct jumper {
        [[noreturn, gnu::noinline]] static void away() {
            grow();
            std::longjmp(buffer, 1);
        }
    };
    volatile int attempts = 0;
    if (setjmp(buffer) == 0) {
        attempts = 1;
        jumper::away();
    }
    return attempts == 1;
}
