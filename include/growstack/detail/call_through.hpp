// Calling a C++ callable through assembly that knows a function and a pointer only.
#pragma once

#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace growstack::detail {

/// What assembly calls: like a function without arguments, `run(callable)`.
using trampoline = void (*)(void* callable, void (*run)(void*), std::size_t argument);

/// The same as the compiler calls it for a type that is returned in memory: the address comes first.
using memory_trampoline = void (*)(void* result, void* callable, void (*run)(void*), std::size_t argument);

/// Objects that can neither be moved nor copied are returned in memory that the caller provides (Itanium C++
/// ABI, 3.1.3). Others are put into it here, and moved out.
template <class Result>
inline constexpr bool is_fixed_in_place = std::is_object_v<Result> && !std::is_move_constructible_v<Result> &&
                                          !std::is_copy_constructible_v<Result>;

template <class Result>
class result_slot {
public:
    result_slot() noexcept {}
    ~result_slot() {
        if (has_value_) std::destroy_at(std::addressof(value_));
    }
    result_slot(const result_slot&) = delete;
    result_slot& operator=(const result_slot&) = delete;

    template <class Callable>
    void fill_from(Callable& callable) {
        ::new (static_cast<void*>(std::addressof(value_))) Result(callable());
        has_value_ = true;
    }

    Result take() {
        if constexpr (std::is_move_constructible_v<Result>) return std::move(value_);
        else return std::as_const(value_);
    }

private:
    union {
        Result value_;
    };
    bool has_value_ = false;
};

template <class Result>
class result_slot<Result&> {
public:
    template <class Callable>
    void fill_from(Callable& callable) {
        value_ = std::addressof(static_cast<Result&>(callable()));
    }
    Result& take() const noexcept { return *value_; }

private:
    Result* value_ = nullptr;
};

template <class Result>
class result_slot<Result&&> {
public:
    template <class Callable>
    void fill_from(Callable& callable) {
        Result&& value = callable();
        value_ = std::addressof(value);
    }
    Result&& take() const noexcept { return static_cast<Result&&>(*value_); }

private:
    Result* value_ = nullptr;
};

/// Returns callable(), called by `through` or `through_memory`. Exceptions pass.
template <class Callable>
auto call_through(trampoline through, memory_trampoline through_memory, Callable& callable, std::size_t argument)
    -> decltype(callable()) {
    using result = decltype(callable());
    if constexpr (std::is_void_v<result>) {
        through(&callable, [](void* c) { (*static_cast<Callable*>(c))(); }, argument);
    } else if constexpr (is_fixed_in_place<result>) {
        using run = result (*)(void*);
        using through_typed = result (*)(void*, run, std::size_t);
        return reinterpret_cast<through_typed>(reinterpret_cast<void (*)()>(through_memory))(
            &callable, [](void* c) -> result { return (*static_cast<Callable*>(c))(); }, argument);
    } else {
        result_slot<result> slot;
        auto fill = [&] { slot.fill_from(callable); };
        through(&fill, [](void* c) { (*static_cast<decltype(fill)*>(c))(); }, argument);
        return slot.take();
    }
}

} // namespace growstack::detail
