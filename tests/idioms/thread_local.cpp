// The address of a local goes into a thread-local variable, or into a block that only such a variable knows.
#include "idioms.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <pthread.h>
#include <threads.h>

namespace {

thread_local int* current = nullptr;
thread_local std::vector<int*> active;
thread_local std::function<void()> at_end;
thread_local std::unique_ptr<int*> owner;
__thread int* slots[8];

/// A context that functions deep down find without a parameter, as of a request that a server works on.
struct request {
    static inline thread_local request* now = nullptr;
    request* before = now;
    int queries = 0;
    request() { now = this; }
    ~request() { now = before; }
    request(const request&) = delete;
};

/// The names of the functions that one is in: a list of locals, kept by the thread.
struct trace_frame {
    static inline thread_local trace_frame* innermost = nullptr;
    const char* name;
    trace_frame* outer = innermost;
    explicit trace_frame(const char* n) : name(n) { innermost = this; }
    ~trace_frame() { innermost = outer; }
    trace_frame(const trace_frame&) = delete;
};

std::string trace() {
    std::string text;
    for (const trace_frame* f = trace_frame::innermost; f; f = f->outer) text += f->name;
    return text;
}

int*& kept_by_function() {
    static thread_local int* kept = nullptr;
    return kept;
}

} // namespace

IDIOM(tls_pointer, thread_local_, "a thread-local pointer") {
    int local = 1;
    current = &local;
    return sees_change(local, current);
}

IDIOM(tls_in_a_function, thread_local_, "a thread-local variable of a function") {
    int local = 1;
    kept_by_function() = &local;
    return sees_change(local, kept_by_function());
}

IDIOM(tls_array, thread_local_, "an element of a thread-local array") {
    int local = 1;
    slots[5] = &local;
    return sees_change(local, slots[5]);
}

IDIOM(tls_vector, thread_local_, "a thread-local vector: from the thread to the heap, and from there to the local") {
    int local = 1;
    active.push_back(&local);
    return sees_change(local, active.back());
}

IDIOM(tls_request, thread_local_, "the request that the thread works on is a local") {
    request local;
    grow();
    ++request::now->queries;
    return local.queries == 1;
}

IDIOM(tls_chain_of_frames, thread_local_, "a thread-local list of the scopes that are open") {
    struct caller {
        static std::string call() {
            trace_frame f{"inner"};
            grow();
            f.name = "INNER ";
            return trace();
        }
    };
    trace_frame f{"outer"};
    f.name = "OUTER ";
    show(&f);
    const std::string text = caller::call();
    grow();
    f.name = "last";
    return text == "INNER OUTER " && trace() == "last";
}

IDIOM(tls_function, thread_local_, "a thread-local `std::function` refers to a local") {
    int local = 0;
    at_end = [&local] { local = 1; };
    grow();
    at_end();
    at_end = nullptr;
    return local == 1;
}

IDIOM(tls_unique_ptr, thread_local_, "a thread-local `unique_ptr` to a pointer to a local") {
    int local = 1;
    owner.reset(new int* {&local});
    const bool right = sees_change(local, *owner);
    owner.reset();
    return right;
}

IDIOM(pthread_specific, thread_local_, "`pthread_setspecific`: the C library's record of the thread") {
    pthread_key_t key{};
    if (::pthread_key_create(&key, nullptr) != 0) return false;
    int local = 1;
    ::pthread_setspecific(key, &local);
    grow();
    *static_cast<int*>(::pthread_getspecific(key)) = 6;
    ::pthread_key_delete(key);
    return local == 6;
}

IDIOM(c_thread_specific, thread_local_, "`tss_set`: the same by the names of C11") {
    tss_t key{};
    if (::tss_create(&key, nullptr) != thrd_success) return false;
    int local = 1;
    ::tss_set(key, &local);
    grow();
    *static_cast<int*>(::tss_get(key)) = 6;
    ::tss_delete(key);
    return local == 6;
}

IDIOM(tls_allocator, thread_local_, "allocations of the thread go to a local arena") {
    struct arena {
        int blocks = 0;
    };
    static thread_local arena* in_use = nullptr;
    arena local;
    in_use = &local;
    grow();
    in_use->blocks += 2;
    in_use = nullptr;
    return local.blocks == 2;
}

IDIOM(tls_recursion_guard, thread_local_, "a thread-local pointer to the record of the outermost call") {
    struct record {
        int depth = 0;
    };
    static thread_local record* outermost = nullptr;
    struct caller {
        static void call(int n) {
            record mine;
            if (!outermost) outermost = &mine;
            grow();
            ++outermost->depth;
            if (n > 0) call(n - 1);
            if (outermost == &mine) outermost = nullptr;
        }
    };
    record local;
    outermost = &local;
    caller::call(3);
    return local.depth == 4;
}
