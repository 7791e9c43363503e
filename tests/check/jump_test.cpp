// setjmp and longjmp within one coroutine: over moves, over chunks, with the buffer on the stack and elsewhere.
#include "../support.hpp"

#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

namespace this_coroutine = growstack::this_coroutine;

namespace {

// A function that calls setjmp keeps nothing in registers that it changes afterwards: volatile.

// Jumps from `bytes` below, after growth and shrinking in between.
[[gnu::noinline]] void jump_from(std::size_t bytes, std::jmp_buf& env, int value) {
    test::use_stack(bytes * 2);
    test::at_depth(bytes / 100, [&] {
        this_coroutine::shrink();
        std::longjmp(env, value);
    });
}

// Returns how often setjmp has returned.
[[gnu::noinline]] int jumps_over_growth(std::jmp_buf& env, std::size_t bytes) {
    volatile int local[4] = {1, 2, 3, 4};
    volatile int* volatile walk = local + 1; // a pointer into the frame
    volatile int returns = 0;
    const int value = setjmp(env);
    returns = returns + 1;
    if (value < 3) jump_from(bytes, env, value + 1);
    if (walk != local + 1 || *walk != 2 || value != 3) return -1;
    test::use_stack(50000);
    return walk == local + 1 ? returns : -2;
}

std::jmp_buf global_env;

struct on_the_stack {
    static int run(std::size_t bytes) {
        std::jmp_buf env;
        return jumps_over_growth(env, bytes);
    }
};
struct in_the_heap {
    static int run(std::size_t bytes) {
        struct buffer {
            std::jmp_buf env;
        };
        const auto heap = std::make_unique<buffer>();
        return jumps_over_growth(heap->env, bytes);
    }
};
struct in_a_global {
    static int run(std::size_t bytes) { return jumps_over_growth(global_env, bytes); }
};

template <class Where, class Kind>
void jump_at_each_depth() {
    for (const std::size_t bytes : {500, 5000, 20000, 100000, 400000}) {
        int returns = 0;
        test::run<Kind>([&] {
            for (int i = 0; i < 3; ++i) returns = Where::run(test::depth(bytes));
        });
        CHECK(returns == 4);
    }
}

} // namespace

TEST_CASE_TEMPLATE(
    "longjmp returns to a frame whose stack has moved, or whose chunks are gone: the buffer is on the stack", Kind,
    GROWSTACK_EACH_KIND) {
    jump_at_each_depth<on_the_stack, Kind>();
}

TEST_CASE_TEMPLATE("the same with a buffer in the heap, which pins the stack", Kind, GROWSTACK_EACH_KIND) {
    jump_at_each_depth<in_the_heap, Kind>();
}

TEST_CASE_TEMPLATE("the same with a global buffer", Kind, GROWSTACK_EACH_KIND) {
    jump_at_each_depth<in_a_global, Kind>();
}

TEST_CASE("a stack with a buffer on it moves between setjmp and longjmp") {
    std::size_t moves = 0;
    test::run<test::contiguous>([&] {
        std::jmp_buf env;
        volatile int local = 1;
        if (setjmp(env) == 0) {
            const std::size_t before = this_coroutine::stats().moves;
            test::use_stack(300000);
            moves = this_coroutine::stats().moves - before;
            std::longjmp(env, 1);
        }
        CHECK(local == 1);
    });
    if (!growstack::stress().link) CHECK(moves > 0);
}

TEST_CASE("a buffer elsewhere pins the stack until the function that called setjmp has returned") {
    std::size_t while_pinned = 1, afterwards = 0;
    test::run<test::contiguous>([&] {
        const std::size_t before = this_coroutine::stats().moves;
        std::size_t grown = 0;
        auto set = [&] {
            if (setjmp(global_env)) return;
            test::use_stack(100000);
            grown = this_coroutine::stats().moves - before;
        };
        set();
        while_pinned = grown;
        test::use_stack(100000);
        afterwards = this_coroutine::stats().moves - before;
    });
    if (!test::is_stressed()) {
        CHECK(while_pinned == 0);
        CHECK(afterwards > 0);
    }
}

TEST_CASE_TEMPLATE("a buffer may be used again after a yield, and another coroutine has its own", Kind,
                   GROWSTACK_EACH_KIND) {
    int sum = 0;
    const auto body = [&sum] {
        std::jmp_buf env;
        volatile int count = 0;
        volatile int* volatile to_count = &count;
        const int value = setjmp(env);
        *to_count = *to_count + 1;
        this_coroutine::yield();
        test::use_stack(static_cast<std::size_t>(20000 * (value + 1)));
        if (value < 5) std::longjmp(env, value + 1);
        sum += count;
    };
    test::coroutine<Kind> first{body, Kind::options}, second{body, Kind::options};
    while (!first.done() || !second.done()) {
        if (!first.done()) first.resume();
        if (!second.done()) second.resume();
        first.shrink();
    }
    CHECK(sum == 12);
}

TEST_CASE("a dependent's buffer keeps its registers right when its creator moves") {
    bool is_right = false;
    test::run<test::contiguous>([&] {
        int local[3] = {7, 8, 9};
        test::coroutine<test::contiguous> child{[&local, &is_right] {
            std::jmp_buf env;
            int* volatile pointer = local + 1;
            const int value = setjmp(env);
            this_coroutine::yield();
            if (!value) std::longjmp(env, 1);
            is_right = pointer == local + 1 && *pointer == 8;
        }};
        child.resume();
        test::use_stack(100000);
        child.resume();
        test::use_stack(400000);
        child.resume();
    });
    CHECK(is_right);
}

TEST_CASE_TEMPLATE("sigsetjmp keeps the signal mask, over growth", Kind, GROWSTACK_EACH_KIND) {
    bool is_blocked = true;
    test::run<Kind>([&] {
        sigjmp_buf env;
        if (sigsetjmp(env, 1) == 0) {
            sigset_t mask;
            sigemptyset(&mask);
            sigaddset(&mask, SIGUSR1);
            pthread_sigmask(SIG_BLOCK, &mask, nullptr);
            test::use_stack(100000);
            siglongjmp(env, 1);
        }
        sigset_t now;
        pthread_sigmask(SIG_BLOCK, nullptr, &now);
        is_blocked = sigismember(&now, SIGUSR1);
    });
    CHECK_FALSE(is_blocked);
}

TEST_CASE_TEMPLATE("an exception and a yield work after a jump over chunks", Kind, GROWSTACK_EACH_KIND) {
    std::string text;
    test::coroutine<Kind> c{[&] {
                                std::jmp_buf env;
                                if (setjmp(env) == 0) jump_from(test::depth(100000), env, 1);
                                this_coroutine::yield();
                                try {
                                    test::at_depth(test::depth(2000), [] { throw std::string("thrown"); });
                                } catch (const std::string& s) {
                                    text = s;
                                }
                            },
                            Kind::options};
    while (!c.done()) c.resume();
    CHECK(text == "thrown");
}

TEST_CASE("outside coroutines they are glibc's") {
    std::jmp_buf env;
    volatile int count = 0;
    const int value = setjmp(env);
    count = count + 1;
    if (value < 3) std::longjmp(env, value + 1);
    CHECK(count == 4);
}

TEST_CASE("longjmp out of a coroutine, and out of native(), ends the program with a message") {
    const auto out = test::run_in_child([] {
        static std::jmp_buf env;
        if (setjmp(env)) return;
        test::run<test::contiguous>([] { std::longjmp(env, 1); });
    });
    CHECK(out.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(out.error_text, "longjmp to a frame that is not on its stack"), out.error_text);

    const auto from_native = test::run_in_child([] {
        test::run<test::contiguous>([] {
            std::jmp_buf env;
            if (setjmp(env) == 0) growstack::native([&env] { std::longjmp(env, 1); });
        });
    });
    CHECK(from_native.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(from_native.error_text, "longjmp out of growstack::native"), from_native.error_text);
}
