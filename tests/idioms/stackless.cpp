// The address of a local goes into the frame of a C++20 coroutine, which lies in the heap.
#include "idioms.hpp"

#include <coroutine>
#include <deque>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace {

/// Yields numbers.
class numbers {
public:
    struct promise_type {
        int value = 0;
        numbers get_return_object() { return numbers{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(int v) noexcept { return value = v, std::suspend_always{}; }
        void return_void() noexcept {}
        void unhandled_exception() { std::terminate(); }
    };

    explicit numbers(std::coroutine_handle<promise_type> h) : handle_(h) {}
    numbers(numbers&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    ~numbers() {
        if (handle_) handle_.destroy();
    }

    int next() {
        handle_.resume();
        return handle_.promise().value;
    }

private:
    std::coroutine_handle<promise_type> handle_;
};

/// Computes a number once somebody awaits it, and then goes on with who has.
class task {
public:
    struct promise_type {
        int value = 0;
        std::coroutine_handle<> waiting = std::noop_coroutine();

        struct go_on {
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) noexcept {
                return h.promise().waiting;
            }
            void await_resume() noexcept {}
        };

        task get_return_object() { return task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        go_on final_suspend() noexcept { return {}; }
        void return_value(int v) noexcept { value = v; }
        void unhandled_exception() { std::terminate(); }
    };

    explicit task(std::coroutine_handle<promise_type> h) : handle_(h) {}
    task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    ~task() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
        handle_.promise().waiting = waiting;
        return handle_;
    }
    int await_resume() noexcept { return handle_.promise().value; }

    void start() { handle_.resume(); }
    bool is_done() const { return handle_.done(); }
    int value() const { return handle_.promise().value; }

private:
    std::coroutine_handle<promise_type> handle_;
};

int wait_for(task t) {
    t.start();
    return t.is_done() ? t.value() : -1;
}

/// Runs what is ready, in turn. A task says `co_await loop` to let others run.
class event_loop {
public:
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) { ready_.push_back(h); }
    void await_resume() noexcept {}

    void run() {
        while (!ready_.empty()) {
            const auto h = ready_.front();
            ready_.pop_front();
            h.resume();
        }
    }

private:
    std::deque<std::coroutine_handle<>> ready_;
};

/// Those who wait are linked by awaiters, which lie in their coroutines' frames.
class event {
public:
    struct awaiter {
        event& of;
        std::coroutine_handle<> waiting{};
        awaiter* next = nullptr;
        bool await_ready() noexcept { return of.is_set_; }
        void await_suspend(std::coroutine_handle<> h) {
            waiting = h;
            next = std::exchange(of.first_, this);
        }
        void await_resume() noexcept { ++of.woken; }
    };

    awaiter operator co_await() { return {*this}; }

    void set() {
        is_set_ = true;
        for (awaiter* a = std::exchange(first_, nullptr); a;) std::exchange(a, a->next)->waiting.resume();
    }

    int woken = 0;

private:
    awaiter* first_ = nullptr;
    bool is_set_ = false;
};

numbers count_in(int& counter) {
    for (;;) co_yield ++counter;
}

numbers count_from(int start) {
    for (;;) co_yield start++;
}

numbers elements(const std::vector<int>& of) {
    for (int x : of) co_yield x;
}

task add(int& a, int& b) { co_return a + b; }

task add_twice(int& a, int& b) {
    grow();
    const int first = co_await add(a, b);
    grow();
    co_return first + co_await add(a, b);
}

task wait_and_write(event_loop& loop, int& out) {
    co_await loop;
    out = 7;
    co_return 0;
}

task wait_for_event(event& e) {
    co_await e;
    co_return 0;
}

} // namespace

IDIOM(generator_by_reference, stackless, "a generator counts in a local, which it refers to") {
    int local = 0;
    numbers n = count_in(local);
    show(&n);
    n.next();
    grow();
    return n.next() == 2 && local == 2;
}

IDIOM(generator_by_value, stackless, "a generator has its parameter in its frame: no address of the stack") {
    numbers n = count_from(5);
    show(&n);
    n.next();
    grow();
    return n.next() == 6;
}

IDIOM(generator_over_container, stackless, "a generator refers to a local vector, whose iterators point to the heap") {
    const std::vector<int> local{1, 2, 3};
    numbers n = elements(local);
    show(&n);
    grow();
    const int first = n.next();
    return first == 1 && n.next() == 2;
}

IDIOM(task_by_reference, stackless, "a task has references to locals; its caller waits for it") {
    int a = 1, b = 2;
    task t = add(a, b);
    show(&t);
    grow();
    a = 40;
    return wait_for(std::move(t)) == 42;
}

IDIOM(task_that_grows, stackless,
      "a task grows the stack that it runs on, and uses references to locals of its caller") {
    int a = 1, b = 2;
    return wait_for(add_twice(a, b)) == 6;
}

IDIOM(task_awaits_task, stackless, "a chain of tasks, the innermost of which has a reference to a local") {
    struct chain {
        static task outer(int& x) { co_return 1 + co_await middle(x); }
        static task middle(int& x) { co_return 1 + co_await inner(x); }
        static task inner(int& x) {
            grow();
            co_return ++x;
        }
    };
    int local = 1;
    return wait_for(chain::outer(local)) == 4 && local == 2;
}

IDIOM(task_on_event_loop, stackless, "a task waits on a local event loop, and then writes to a local") {
    event_loop loop;
    int local = 1;
    task t = wait_and_write(loop, local);
    t.start();
    grow();
    loop.run();
    return local == 7 && t.is_done();
}

IDIOM(coroutine_member, stackless, "a coroutine that is a member function refers to its local object by `this`") {
    struct counter {
        int count = 0;
        numbers all() {
            for (;;) co_yield ++count;
        }
    } local;
    numbers n = local.all();
    show(&n);
    n.next();
    grow();
    n.next();
    return local.count == 2;
}

IDIOM(coroutine_lambda, stackless, "a coroutine that is a local lambda refers to its own captures") {
    int sum = 0;
    const auto add_up = [&sum](int step) -> numbers {
        for (;;) co_yield sum += step;
    };
    numbers n = add_up(3);
    show(&n);
    n.next();
    grow();
    n.next();
    return sum == 6;
}

IDIOM(event_with_waiters, stackless, "tasks wait for a local event; their awaiters, in their frames, refer to it") {
    event local;
    task a = wait_for_event(local), b = wait_for_event(local);
    a.start();
    b.start();
    grow();
    local.set();
    return local.woken == 2 && a.is_done() && b.is_done();
}

IDIOM(result_slot, stackless, "a task that nobody owns writes its result to where a local says") {
    struct detached {
        struct promise_type {
            detached get_return_object() { return {}; }
            std::suspend_never initial_suspend() noexcept { return {}; }
            std::suspend_never final_suspend() noexcept { return {}; }
            void return_void() noexcept {}
            void unhandled_exception() { std::terminate(); }
        };
        static detached run(event& start, int* result) {
            co_await start;
            *result = 42;
        }
    };
    static event start;
    int local = 0;
    detached::run(start, &local);
    grow();
    start.set();
    return local == 42;
}

IDIOM(variable_of_the_frame, stackless,
      "a generator hands out the address of a variable of its frame: the heap's, not the stack's") {
    struct cell {
        struct promise_type {
            int* at = nullptr;
            cell get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
            std::suspend_always initial_suspend() noexcept { return {}; }
            std::suspend_always final_suspend() noexcept { return {}; }
            std::suspend_always yield_value(int& v) noexcept { return at = &v, std::suspend_always{}; }
            void return_void() noexcept {}
            void unhandled_exception() { std::terminate(); }
        };
        std::coroutine_handle<promise_type> handle;
        static cell make() {
            int inside = 1;
            co_yield inside;
            co_yield inside;
        }
    };
    const cell c = cell::make();
    c.handle.resume();
    grow();
    *c.handle.promise().at = 5;
    c.handle.resume();
    const bool right = *c.handle.promise().at == 5;
    c.handle.destroy();
    return right;
}
