// The hard mode fault: a pointer that a move has not followed is told.
#include "../support.hpp"

#include <csignal>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

// In a safe build, code of another build, which it has called.
GROWSTACK_ALL_ON_NATIVE_STACK

namespace this_coroutine = growstack::this_coroutine;

namespace {

constexpr growstack::stress_modes faulting{.fault = true};

// Ends the child process by the touch of a stale pointer; `keep` gets the address of a local, `touch` uses it after
// growth.
template <class Keep, class Touch>
void use_after_growth(Keep keep, Touch touch) {
    growstack::set_stress(faulting);
    test::run<test::contiguous>([&] {
        int local = 1;
        keep(&local);
        test::use_stack(100000);
        touch();
        test::opaque(&local);
    });
}

void check_is_told(const test::child_end& end) {
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "growstack: stale pointer: code at "), end.error_text);
    CHECK_MESSAGE(test::contains(end.error_text, "bytes below the high end of a stack that coroutine 0x"),
                  end.error_text);
    CHECK_MESSAGE(test::contains(end.error_text, "before its move "), end.error_text);
    CHECK_MESSAGE(test::contains(end.error_text, "asked for by code at "), end.error_text);
    CHECK_MESSAGE(test::contains(end.error_text, "growstack::pin"), end.error_text);
}

int* in_a_global;

// An intrusive list, whose first and last node are in the heap, say.
struct node {
    node* next = this;
    node* previous = this;
    void insert_after(node& n) {
        previous = &n;
        next = n.next;
        n.next->previous = this;
        n.next = this;
    }
    void remove() {
        previous->next = next;
        next->previous = previous;
    }
};

} // namespace

TEST_CASE("the touch of a stale pointer in a global is told") {
    check_is_told(test::run_in_child([] {
        use_after_growth([](int* p) { in_a_global = p; },
                         [] {
                             test::opaque(in_a_global);
                             *in_a_global = 2;
                         });
    }));
}

TEST_CASE("the touch of a stale pointer in the heap is told") {
    check_is_told(test::run_in_child([] {
        auto kept = std::make_unique<int*>();
        use_after_growth([&](int* p) { *kept = p; }, [&] { **kept = 2; });
    }));
}

TEST_CASE("the touch of a local shared with a thread, after its stack has moved, is told") {
    check_is_told(test::run_in_child([] {
        growstack::set_stress(faulting);
        test::run<test::contiguous>([] {
            int local = 1;
            auto shared = std::make_unique<int*>(&local);
            test::opaque(shared.get());
            test::use_stack(100000);
            std::thread{[p = *shared] { *p = 2; }}.join();
        });
    }));
}

TEST_CASE("the touch of a list's node that was on the stack is told") {
    check_is_told(test::run_in_child([] {
        auto list = std::make_unique<node>();
        growstack::set_stress(faulting);
        test::run<test::contiguous>([&] {
            node here;
            here.insert_after(*list);
            test::use_stack(100000);
            list->next->remove();
        });
    }));
}

TEST_CASE("the handle's shrink() leaves stale pointers that are told") {
    const auto end = test::run_in_child([] {
        growstack::set_stress(faulting);
        int* outside = nullptr;
        test::coroutine<test::contiguous> c{[&] {
            test::use_stack(100000);
            int local = 1;
            outside = &local;
            this_coroutine::yield();
        }};
        c.resume();
        c.shrink();
        *outside = 2;
    });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "by shrink()"), end.error_text);
}

TEST_CASE("a pin, and a root, are the remedies") {
    const auto before = growstack::set_stress(faulting);
    bool is_right = false;
    test::run<test::contiguous>([&] {
        {
            const growstack::pin pin;
            auto list = std::make_unique<node>();
            node here;
            here.insert_after(*list);
            test::use_stack(100000);
            list->next->remove();
            is_right = list->next == list.get();
        }
        int local = 1;
        auto kept = std::make_unique<growstack::root<int*>>(&local);
        test::use_stack(200000);
        **kept = 2;
        is_right = is_right && local == 2;
    });
    growstack::set_stress(before);
    CHECK(is_right);
}

TEST_CASE("stacks in quarantine are not in use, and go back") {
    const auto before = growstack::set_stress(faulting);
    const std::size_t in_use = growstack::memory().in_use;
    for (int i = 0; i < 300; ++i) test::run<test::contiguous>([] { test::use_stack(50000); });
    CHECK(growstack::memory().in_use == in_use);
    growstack::set_stress(before);
    growstack::trim();
    CHECK(growstack::memory().cached < std::size_t{4} << 20);
}

GROWSTACK_AS_BUILT
