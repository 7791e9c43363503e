// The address of a local goes to another thread. The stack grows while that thread waits at a gate that lies elsewhere,
// so that it uses the address afterwards, for sure. No wait is for ever: after `patience` an idiom gives up.
#include "idioms.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <queue>
#include <semaphore>
#include <shared_mutex>
#include <thread>
#include <vector>

#include <pthread.h>
#include <semaphore.h>

namespace {

using namespace std::chrono_literals;
constexpr auto patience = 5s;

/// Opens once. Gates are static variables here: where a gate lies must not be what an idiom is about.
class gate {
public:
    void open() {
        const std::lock_guard lock{mutex_};
        is_open_ = true;
        opened_.notify_all();
    }

    void pass() {
        std::unique_lock lock{mutex_};
        if (!opened_.wait_for(lock, patience, [this] { return is_open_; })) give_up();
    }

private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool is_open_ = false;
};

gate has_grown, is_done;

/// Waits until `is_true` says so, by looking again and again: for what would not be told to a thread that waits.
template <class Condition>
void poll(Condition is_true) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!is_true()) {
        if (std::chrono::steady_clock::now() > end) give_up();
        std::this_thread::sleep_for(1ms);
    }
}

/// What a thread of a pool does: takes one job after the other, until there is none left.
class worker {
public:
    ~worker() { finish(); }

    void post(std::function<void()> job) {
        const std::lock_guard lock{mutex_};
        jobs_.push(std::move(job));
    }

    void start() { thread_ = std::thread{&worker::run, this}; }

    void finish() {
        if (thread_.joinable()) thread_.join();
    }

private:
    void run() {
        for (;;) {
            const std::lock_guard lock{mutex_};
            if (jobs_.empty()) return;
            jobs_.front()();
            jobs_.pop();
        }
    }

    std::mutex mutex_;
    std::queue<std::function<void()>> jobs_;
    std::thread thread_;
};

} // namespace

IDIOM(thread_writes_result, thread, "a thread's function captures a local by reference, and writes its result there") {
    int result = 0;
    std::thread t{[&result] {
        has_grown.pass();
        result = 42;
    }};
    grow();
    has_grown.open();
    t.join();
    return result == 42;
}

IDIOM(thread_reads_input, thread, "a thread reads a local that was written after growth") {
    int input = 1;
    static int seen = 0;
    std::jthread t{[&input] {
        has_grown.pass();
        seen = input;
    }};
    grow();
    input = 42;
    has_grown.open();
    t.join();
    return seen == 42;
}

IDIOM(thread_with_ref_argument, thread, "`std::ref` of a local is an argument of a thread") {
    struct user {
        static void run(int& out) {
            has_grown.pass();
            out = 42;
        }
    };
    int local = 0;
    std::thread t{user::run, std::ref(local)};
    grow();
    has_grown.open();
    t.join();
    return local == 42;
}

IDIOM(thread_runs_member, thread, "a thread runs a member function of a local object") {
    struct job {
        int result = 0;
        void run() {
            has_grown.pass();
            result = 42;
        }
    } local;
    std::thread t{&job::run, &local};
    grow();
    has_grown.open();
    t.join();
    return local.result == 42;
}

IDIOM(pthread_argument, thread, "the `void*` of `pthread_create` points to a local") {
    int local = 0;
    pthread_t t{};
    const auto run = [](void* argument) -> void* {
        has_grown.pass();
        *static_cast<int*>(argument) = 42;
        return nullptr;
    };
    if (::pthread_create(&t, nullptr, run, &local) != 0) return false;
    grow();
    has_grown.open();
    ::pthread_join(t, nullptr);
    return local == 42;
}

IDIOM(async_by_reference, thread, "`std::async` on another thread captures a local by reference") {
    int local = 0;
    auto f = std::async(std::launch::async, [&local] {
        has_grown.pass();
        return ++local;
    });
    grow();
    has_grown.open();
    return f.get() == 1 && local == 1;
}

IDIOM(packaged_task_on_thread, thread, "a `packaged_task` that a thread runs refers to a local") {
    int local = 1;
    std::packaged_task<int()> task{[&local] {
        has_grown.pass();
        return local;
    }};
    auto f = task.get_future();
    std::thread t{std::move(task)};
    grow();
    local = 42;
    has_grown.open();
    t.join();
    return f.get() == 42;
}

IDIOM(two_threads_count, thread, "two threads count in a local atomic") {
    std::atomic<int> local{0};
    const auto count = [&local] {
        has_grown.pass();
        for (int i = 0; i < 1000; ++i) ++local;
    };
    std::thread a{count}, b{count};
    grow();
    has_grown.open();
    a.join();
    b.join();
    return local == 2000;
}

IDIOM(parallel_sum, thread, "threads sum up parts of a local array into locals") {
    std::array<int, 100> numbers{};
    int sums[2] = {};
    const auto sum = [&](int half) {
        has_grown.pass();
        for (int i = 0; i < 50; ++i) sums[half] += numbers[50 * half + i];
    };
    std::thread a{sum, 0}, b{sum, 1};
    grow();
    numbers.fill(1);
    has_grown.open();
    a.join();
    b.join();
    return sums[0] == 50 && sums[1] == 50;
}

IDIOM(pool_with_job, thread, "a job in the queue of a pool refers to a local") {
    static worker pool;
    int local = 0;
    pool.post([&local] { local = 42; });
    grow();
    pool.start();
    pool.finish();
    return local == 42;
}

IDIOM(running_flag, thread, "a thread looks at a local flag until its owner clears it") {
    std::atomic<bool> is_running{true};
    std::thread t{[&is_running] {
        has_grown.pass();
        poll([&] { return !is_running.load(); });
        is_done.open();
    }};
    grow();
    is_running = false;
    has_grown.open();
    is_done.pass();
    t.join();
    return true;
}

IDIOM(progress_counter, thread, "a thread tells its progress in a local, which its owner looks at") {
    std::atomic<int> progress{0};
    std::thread t{[&progress] {
        has_grown.pass();
        progress = 100;
    }};
    grow();
    has_grown.open();
    poll([&] { return progress == 100; });
    t.join();
    return true;
}

IDIOM(condition_variable_local, thread, "a local mutex and condition variable, told by another thread") {
    std::mutex mutex;
    std::condition_variable changed;
    bool is_ready = false;
    std::thread t{[&] {
        has_grown.pass();
        const std::lock_guard lock{mutex};
        is_ready = true;
        changed.notify_one();
    }};
    grow();
    has_grown.open();
    std::unique_lock lock{mutex};
    if (!changed.wait_for(lock, patience, [&] { return is_ready; })) give_up();
    lock.unlock();
    t.join();
    return is_ready;
}

IDIOM(atomic_flag_spinlock, thread, "two threads share a local spinlock and what it protects") {
    std::atomic_flag lock;
    int value = 0;
    std::thread t{[&] {
        has_grown.pass();
        poll([&] { return !lock.test_and_set(); });
        ++value;
        lock.clear();
    }};
    grow();
    has_grown.open();
    poll([&] { return !lock.test_and_set(); });
    ++value;
    lock.clear();
    t.join();
    return value == 2;
}

IDIOM(latch_local, thread, "a thread counts down a local `latch`") {
    std::latch latch{1};
    std::thread t{[&latch] {
        has_grown.pass();
        latch.count_down();
    }};
    grow();
    has_grown.open();
    poll([&] { return latch.try_wait(); });
    t.join();
    return true;
}

IDIOM(barrier_local, thread, "two threads meet at a local `barrier`, whose end counts in a local") {
    int met = 0;
    const auto at_end = [&met]() noexcept { ++met; };
    std::barrier barrier{2, at_end};
    std::thread t{[&barrier] {
        has_grown.pass();
        (void)barrier.arrive();
        is_done.open();
    }};
    grow();
    (void)barrier.arrive();
    has_grown.open();
    is_done.pass();
    t.join();
    return met == 1;
}

IDIOM(semaphore_local, thread, "a thread releases a local `binary_semaphore`") {
    std::binary_semaphore ready{0};
    std::thread t{[&ready] {
        has_grown.pass();
        ready.release();
    }};
    grow();
    has_grown.open();
    if (!ready.try_acquire_for(patience)) give_up();
    t.join();
    return true;
}

IDIOM(posix_semaphore_local, thread, "a thread posts a local `sem_t`") {
    sem_t ready;
    ::sem_init(&ready, 0, 0);
    std::thread t{[&ready] {
        has_grown.pass();
        ::sem_post(&ready);
        is_done.open();
    }};
    grow();
    has_grown.open();
    is_done.pass();
    t.join();
    return ::sem_trywait(&ready) == 0;
}

IDIOM(shared_mutex_local, thread, "a thread that reads holds a local `shared_mutex`, so its owner cannot write") {
    static gate has_lock, may_unlock;
    std::shared_mutex mutex;
    std::thread t{[&mutex] {
        has_grown.pass();
        const std::shared_lock lock{mutex};
        has_lock.open();
        may_unlock.pass();
    }};
    grow();
    has_grown.open();
    has_lock.pass();
    const bool is_held = !mutex.try_lock();
    may_unlock.open();
    t.join();
    return is_held && mutex.try_lock();
}

IDIOM(atomic_wait_local, thread, "a thread notifies a local atomic that its owner waits for") {
    std::atomic<int> local{0};
    std::thread t{[&local] {
        has_grown.pass();
        local = 1;
        local.notify_one();
        is_done.open();
    }};
    grow();
    has_grown.open();
    is_done.pass();
    if (local != 1) give_up(); // wait() would not return
    local.wait(0);
    t.join();
    return true;
}

IDIOM(pointer_handed_over, thread, "a thread takes a pointer to a local out of a global mailbox, and answers there") {
    static std::atomic<int*> mailbox{nullptr};
    int local = 1;
    std::thread t{[] {
        poll([] { return mailbox.load() != nullptr; });
        int* const to = mailbox.load();
        is_done.open();
        has_grown.pass();
        *to = 42;
    }};
    mailbox = &local;
    is_done.pass();
    grow();
    has_grown.open();
    t.join();
    return local == 42;
}

IDIOM(pointer_in_threads_variable, thread, "a thread keeps a pointer to a local in its own thread-local variable") {
    static thread_local int* kept = nullptr;
    int local = 1;
    std::thread t{[&local] {
        kept = &local;
        has_grown.pass();
        *kept = 42;
    }};
    grow();
    has_grown.open();
    t.join();
    return local == 42;
}

IDIOM(pointers_in_a_ring, thread, "a ring buffer between two threads carries pointers to locals") {
    struct ring {
        std::array<std::atomic<int*>, 4> cells{};
        std::atomic<unsigned> written{0};
    };
    static ring shared;
    int locals[3] = {1, 2, 3};
    std::thread t{[] {
        has_grown.pass();
        for (unsigned i = 0; i < 3; ++i) {
            poll([&] { return shared.written > i; });
            *shared.cells[i] *= 10;
        }
    }};
    for (int i = 0; i < 3; ++i) {
        shared.cells[i] = &locals[i];
        ++shared.written;
    }
    grow();
    has_grown.open();
    t.join();
    return locals[0] == 10 && locals[1] == 20 && locals[2] == 30;
}

IDIOM(timed_callback, thread, "a timer's thread calls back with a `void*` to a local") {
    struct timer {
        void (*f)(void*);
        void* argument;
    };
    static timer armed;
    int fired = 0;
    armed = {[](void* argument) { ++*static_cast<int*>(argument); }, &fired};
    std::thread t{[] {
        has_grown.pass();
        armed.f(armed.argument);
    }};
    grow();
    has_grown.open();
    t.join();
    return fired == 1;
}

IDIOM(promise_in_a_local, thread, "a thread fulfils a local `promise`, which it refers to") {
    std::promise<int> promise;
    auto future = promise.get_future();
    int value = 1;
    std::thread t{[&] {
        has_grown.pass();
        promise.set_value(value);
    }};
    grow();
    value = 42;
    has_grown.open();
    if (future.wait_for(patience) != std::future_status::ready) give_up();
    const int got = future.get();
    t.join();
    return got == 42;
}
