// Free objects, linked through their first words.
#pragma once

#include <growstack/heap/page.hpp>

#include <atomic>
#include <utility>

// What AddressSanitizer poisons is read and written by these lists only.
#if defined(__clang__) || defined(__GNUC__)
#define GROWSTACK_HEAP_LINKS [[gnu::no_sanitize_address]]
#endif

namespace growstack::heap {

struct free_object {
    free_object* next;
};

/// The first object of a full list among full lists; not of the class of 8 bytes.
struct first_object : free_object {
    first_object* next_list;
};

/// A last-in first-out list. Its count may be read by other threads.
class object_list {
public:
    constexpr object_list() noexcept = default;
    object_list(object_list&& other) noexcept { *this = std::move(other); }
    object_list& operator=(object_list&& other) noexcept {
        first_ = std::exchange(other.first_, nullptr);
        set_count(other.count());
        other.set_count(0);
        return *this;
    }

    std::uint32_t count() const noexcept { return count_.load(std::memory_order_relaxed); }
    bool empty() const noexcept { return !first_; }

    GROWSTACK_HEAP_LINKS void push(void* p) noexcept {
        auto* object = static_cast<free_object*>(p);
        object->next = first_;
        first_ = object;
        set_count(count() + 1);
    }

    /// Precondition: not empty.
    GROWSTACK_HEAP_LINKS void* pop() noexcept {
        free_object* object = first_;
        first_ = object->next;
        set_count(count() - 1);
        return object;
    }

    /// Takes the objects off and returns the first one; adopt() puts them back.
    free_object* release() noexcept {
        set_count(0);
        return std::exchange(first_, nullptr);
    }
    void adopt(free_object* first, std::uint32_t count) noexcept {
        first_ = first;
        set_count(count);
    }

private:
    void set_count(std::uint32_t n) noexcept { count_.store(n, std::memory_order_relaxed); }

    free_object* first_ = nullptr;
    std::atomic<std::uint32_t> count_{0};
};

} // namespace growstack::heap
