// generator<T, Stack>: a coroutine that hands out values, as a range.
//
//      growstack::generator<int> squares{[](auto& yield) { for (int i = 0;; ++i) yield(i * i); }};
//      for (int s : squares | std::views::take(3)) ...                        // 0 1 4
//
// Unlike std::generator the body may yield from any depth: pass `yield` on, or call this_coroutine::yield_value.
#pragma once

#include <growstack/coroutine.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

namespace growstack {

namespace detail {

/// Its address stands for the type.
template <class T>
inline constexpr char type_mark = 0;

[[noreturn]] void throw_bad_yield_value(const control_block* block);

/// Hands `value` to the consumer of the running generator, which must be one of that type.
[[gnu::always_inline]] inline void yield_value(const void* type, void* value) {
    control_block* block = running();
    if (!block || block->books().value_type != type) [[unlikely]]
        throw_bad_yield_value(block);
    block->value = value;
    yield();
}

} // namespace detail

namespace this_coroutine {

/// Yields `value` from the body of a generator<T>, at any depth. The consumer sees the object itself, not a copy.
/// Throws usage_error if the running coroutine is not a generator<T>.
template <class T>
void yield_value(T&& value) {
    using value_type = std::remove_cvref_t<T>;
    detail::yield_value(&detail::type_mark<value_type>,
                        const_cast<void*>(static_cast<const void*>(std::addressof(value))));
}

} // namespace this_coroutine

/// A move-only input range of T. The body takes a callable `yield(T)` or nothing. It runs in the consumer's thread,
/// from one value to the next; an exception that leaves it leaves begin() or ++.
template <class T, stack_policy Stack = contiguous_stack>
class generator {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>, "generator<T>: T is the type of the values");

public:
    /// What the body calls with each value.
    struct yielder {
        void operator()(T& value) const { this_coroutine::yield_value(value); }
        void operator()(const T& value) const { this_coroutine::yield_value(value); }
        void operator()(T&& value) const { this_coroutine::yield_value(value); }
    };

    class iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using difference_type = std::ptrdiff_t;
        using value_type = T;

        iterator() noexcept = default;
        T& operator*() const noexcept { return *static_cast<T*>(block_->value); }
        T* operator->() const noexcept { return std::addressof(**this); }
        iterator& operator++() {
            detail::resume(*block_);
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept {
            return !i.block_ || i.block_->stack.is_dead();
        }

    private:
        friend generator;
        explicit iterator(detail::control_block* block) noexcept : block_{block} {}
        detail::control_block* block_ = nullptr;
    };

    generator() noexcept = default;
    generator(generator&&) noexcept = default;
    generator& operator=(generator&&) noexcept = default;
    ~generator() { block_.reset(); }

    /// `body`: void(auto& yield) or void(). Throws std::invalid_argument, std::bad_alloc.
    template <class Body>
        requires(!std::same_as<std::decay_t<Body>, generator> &&
                 (std::invocable<std::decay_t<Body>&, yielder&> || std::invocable<std::decay_t<Body>&>))
    explicit generator(Body&& body, const stack_options& options = Stack::defaults)
        : block_{detail::make_block<Stack, run_body>(std::forward<Body>(body), options)} {
        block_->books().value_type = &detail::type_mark<T>;
    }

    /// Runs the body to its first value. Call it once. Throws usage_error on a moved-from generator.
    iterator begin() {
        if (!block_) detail::throw_empty_handle("begin()");
        if (!block_->stack.is_dead()) detail::resume(*block_);
        return iterator{block_.get()};
    }

    std::default_sentinel_t end() const noexcept { return {}; }

    stack_stats stats() const noexcept { return block_ ? detail::stats_of(*block_) : stack_stats{}; }

private:
    struct run_body {
        template <class Body>
        void operator()(Body& body) const {
            if constexpr (std::invocable<Body&, yielder&>) {
                yielder yield;
                static_cast<void>(body(yield));
            } else {
                static_cast<void>(body());
            }
        }
    };

    detail::block_ptr block_;
};

} // namespace growstack
