// What a thread has of its own of something that all threads share, a cache, say: it begins at the thread's first use
// of it, and ends with the thread.
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
    static_cast<void>(&at_thread_end);
    return true;
}

/// The parts of all threads, for sums over them. A derived class adds the sums.
template <class Part>
class thread_parts {
public:
    void add(Part& part) noexcept {
        const std::lock_guard lock{mutex_};
        part.next = first_;
        first_ = &part;
    }

    void remove(Part& part) noexcept {
        const std::lock_guard lock{mutex_};
        unlink(part);
    }

protected:
    /// With the lock, as all reading of the list.
    void unlink(Part& part) noexcept {
        Part** link = &first_;
        while (*link != &part) link = &(*link)->next;
        *link = part.next;
    }

    std::mutex mutex_;
    Part* first_ = nullptr;
};

} // namespace growstack::grow
