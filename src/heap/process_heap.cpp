// The heap that the process shares.
#include "heap/process_heap.hpp"

#include <growstack/heap/resource.hpp>

#include <new>

namespace growstack::heap {

constinit thread_local local_heap local;

namespace {

// Every thread's part, for stats().
class local_heap_registry {
public:
    void add(local_heap& h) noexcept {
        const std::lock_guard lock{mutex_};
        h.next = first_;
        first_ = &h;
    }

    void remove(local_heap& h) noexcept {
        const std::lock_guard lock{mutex_};
        local_heap** link = &first_;
        while (*link != &h) link = &(*link)->next;
        *link = h.next;
    }

    std::size_t slots_at_hand(size_class c) noexcept {
        const std::lock_guard lock{mutex_};
        std::size_t sum = 0;
        for (const local_heap* h = first_; h; h = h->next) sum += h->cache.count(c);
        return sum;
    }

private:
    std::mutex mutex_;
    local_heap* first_ = nullptr;
};

constinit local_heap_registry registry;

struct thread_end {
    ~thread_end() {
        local.tiny.flush(local.cache, shared_heap());
        local.cache.stop(shared_heap());
        registry.remove(local);
        local.is_ready = false;
        local.has_ended = true;
    }
};

} // namespace

span_heap& shared_heap() noexcept {
    alignas(span_heap) static std::byte memory[sizeof(span_heap)];
    static auto* const instance = ::new (memory) span_heap; // never destroyed: destructors of static objects may free
    return *instance;
}

bool prepare_local_heap() noexcept {
    if (local.is_ready) return true;
    if (local.has_ended) return false;
    local.is_ready = true;
    registry.add(local);
    local.cache.start();
    static thread_local thread_end at_thread_end;
    static_cast<void>(&at_thread_end);
    return true;
}

void* allocate_slowly(size_class c) noexcept {
    if (prepare_local_heap()) return local.cache.allocate(c, shared_heap());
    object_list slots;
    shared_heap().central[c].take(slots, c, shared_heap().pages);
    void* p = slots.empty() ? nullptr : slots.pop();
    shared_heap().central[c].give(std::move(slots), c, shared_heap().pages);
    return p;
}

void free_slowly(void* p, size_class c) noexcept {
    if (prepare_local_heap()) return local.cache.free(p, c, shared_heap());
    object_list slot;
    slot.push(p);
    shared_heap().central[c].give(std::move(slot), c, shared_heap().pages);
}

std::size_t slots_at_hand(size_class c) noexcept { return registry.slots_at_hand(c); }

std::size_t scavenge() noexcept {
    if (local.is_ready) local.tiny.flush(local.cache, shared_heap());
    local.cache.flush(shared_heap());
    return shared_heap().scavenge();
}

heap_stats stats() noexcept {
    const page_stats pages = shared_heap().pages.stats();
    heap_stats all;
    all.idle_bytes = pages.idle_bytes;
    all.returned_bytes = pages.returned_bytes;
    all.metadata_bytes = pages.metadata_bytes;
    for (size_class c = 0; c < class_count; ++c) {
        const mcentral& central = shared_heap().central[c];
        const std::size_t out = central.slots_out(), at_hand = slots_at_hand(c);
        all.in_use_bytes[c] = (out > at_hand ? out - at_hand : 0) * slot_bytes(c);
        all.cached_bytes += central.span_bytes(c) - all.in_use_bytes[c];
        all.large_bytes += central.span_bytes(c);
    }
    all.large_bytes = pages.in_use_bytes - all.large_bytes; // what the mcentrals do not have
    return all;
}

void check_invariants() noexcept { shared_heap().check_invariants(); }

} // namespace growstack::heap
