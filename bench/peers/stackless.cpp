// Peer: coroutines of C++20, without a stack: they yield from their own body only, so nothing deeper can be compared.
#include "measure.hpp"

#include <coroutine>
#include <exception>

namespace {

struct task {
    struct promise_type {
        task get_return_object() { return task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };

    explicit task(std::coroutine_handle<promise_type> h) : handle{h} {}
    task(const task&) = delete;
    ~task() { handle.destroy(); }

    std::coroutine_handle<promise_type> handle;
};

// Not inlined, or the compiler may see through the coroutine and leave it out.
[[gnu::noinline]] task yield_for_ever() {
    for (;;) co_await std::suspend_always{};
}

[[gnu::noinline]] task run() { co_return; }

[[gnu::noinline]] task yield_once() { co_await std::suspend_always{}; }

} // namespace

int main() {
    const task other = yield_for_ever();
    peers::measure("switch", "stackless", "pair", [&] { other.handle.resume(); });
    peers::measure("create", "stackless", "run", [] { run().handle.resume(); });
    peers::measure("create", "stackless", "yield", [] {
        const task once = yield_once();
        once.handle.resume();
        once.handle.resume();
    });
}
