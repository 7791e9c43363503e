// std::invoke that is never inlined: the callee's frame must not become a part of the caller's.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

namespace growstack::detail {

template <class F, class... Args>
[[gnu::noinline]] std::invoke_result_t<F, Args...> invoke_object(F&& f, Args&&... args) {
    return std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
}

template <class F, class... Args>
[[gnu::always_inline]] inline std::invoke_result_t<F, Args...> invoke_out_of_line(F&& f, Args&&... args) {
    if constexpr (std::is_function_v<std::remove_pointer_t<std::decay_t<F>>>) {
        std::decay_t<F> function = f;
        asm("" : "+r"(function)); // the compiler no longer knows which
        return function(std::forward<Args>(args)...);
    } else {
        return invoke_object(std::forward<F>(f), std::forward<Args>(args)...);
    }
}

} // namespace growstack::detail
