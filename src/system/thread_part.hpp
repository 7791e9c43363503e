// A thread's part of something that all threads share, a cache, say. It begins at the thread's first use of it, and
// ends with the thread.
#pragma once

#include <mutex>

namespace growstack::grow {

/// Lets the calling thread's part begin, unless it has. Returns whether the thread may use it: not once it has ended,
/// which may be before other thread-local objects do. Parts end in the reverse of the order in which they began.
/// A part has begin() and end(), and bool is_ready and has_ended, where its hot paths are best served.
template <class Part>
bool prepare_part(Part& part) noexcept {
    if (part.is_ready) return true;
    if (part.has_ended) return false;
    part.is_ready = true;
    part.begin();
    struct thread_end {
        Part& part;
        ~thread_end() {
            part.is_ready = false; // what comes meanwhile must pass it by
            part.has_ended = true;
            part.end();
        }
    };
    static thread_local thread_end at_thread_end{part};
    return true;
}

/// The parts of all threads, for sums over them. All of it with the lock.
template <class Part>
struct thread_parts {
    std::mutex mutex;
    Part* first = nullptr;

    void add(Part& part) noexcept {
        part.next = first;
        first = &part;
    }

    void remove(Part& part) noexcept {
        Part** link = &first;
        while (*link != &part) link = &(*link)->next;
        *link = part.next;
    }
};

} // namespace growstack::grow
