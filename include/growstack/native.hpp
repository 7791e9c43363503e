// native(f, args...): calls f on the thread's own stack, where code that needs an ordinary, large stack is at home.
//
//      coroutine's stack           thread's stack
//      | native()        |         | resume()    |
//      |  waits          | ------> |  :          |
//                                  | f(args...)  |
#pragma once

#include <growstack/detail/call_through.hpp>
#include <growstack/detail/control_block.hpp>
#include <growstack/detail/invoke_out_of_line.hpp>

#include <functional>
#include <type_traits>
#include <utility>

namespace growstack {
namespace detail {

/// Lives on the thread's own stack while native code runs there: what is to be as before when that ends.
class native_scope {
public:
    native_scope() noexcept;
    ~native_scope();
    native_scope(const native_scope&) = delete;
    native_scope& operator=(const native_scope&) = delete;

private:
    grow::native_call call_;
    void* root_context_;
    exception_state root_exceptions_;
    std::uintptr_t root_escape_pointer_;
};

/// Lives on the coroutine's stack meanwhile: tells AddressSanitizer that its frames go on.
class native_return {
public:
    native_return() noexcept {}
    ~native_return();
    native_return(const native_return&) = delete;
    native_return& operator=(const native_return&) = delete;
};

} // namespace detail

/// Returns std::invoke(f, args...), called on the thread's own stack; exceptions pass. Outside a coroutine, and inside
/// another native(), it is an ordinary call. f may create, resume and destroy coroutines, but yield only in those that
/// it resumes: yield() throws usage_error in f itself, which for growstack runs outside of any coroutine.
template <class F, class... Args>
std::invoke_result_t<F, Args...> native(F&& f, Args&&... args) {
    if (!detail::running()) return detail::invoke_out_of_line(std::forward<F>(f), std::forward<Args>(args)...);
    auto invoke = [&]() -> std::invoke_result_t<F, Args...> {
        const detail::native_scope scope;
        return std::invoke(std::forward<F>(f), std::forward<Args>(args)...);
    };
    const detail::native_return coming_back;
    return detail::call_through(detail::growstack_call_natively, detail::growstack_call_natively_in_memory, invoke, 0);
}

} // namespace growstack
