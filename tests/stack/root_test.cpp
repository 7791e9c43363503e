// Roots: pointers outside a stack that follow it.
#include "../support.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;
using growstack::root;

TEST_CASE_TEMPLATE("a root in the heap points to the same local after each growth", Kind, GROWSTACK_EACH_KIND) {
    bool is_right = false;
    test::run<Kind>([&] {
        const auto outside = std::make_unique<root<std::string*>>();
        std::string local = "here";
        *outside = &local;
        for (std::size_t bytes = 1000; bytes < 200000; bytes *= 2) test::use_stack(bytes);
        **outside += ", and still";
        is_right = local == "here, and still" && *outside == &local;
    });
    CHECK(is_right);
}

TEST_CASE("roots may be copied, moved, and point elsewhere") {
    bool is_right = true;
    test::run<test::contiguous>([&] {
        int first = 1, second = 2;
        auto all = std::make_unique<std::vector<root<int*>>>();
        for (int i = 0; i < 100; ++i) {
            all->push_back(i % 2 ? &first : &second); // moves the others, too
            if (i % 10 == 0) all->push_back(all->back());
            test::use_stack(static_cast<std::size_t>(i) * 1000);
        }
        for (auto& r : *all) is_right = is_right && (r == &first || r == &second) && *r == (r == &first ? 1 : 2);
        root<int*> swapped = std::move(all->front());
        all->front() = nullptr;
        swapped = &first;
        test::use_stack(300000);
        is_right = is_right && swapped == &first && *swapped == 1 && all->front().get() == nullptr;
    });
    CHECK(is_right);
}

TEST_CASE("a root may point past the end, to the first frame's start, and nowhere") {
    bool is_right = false;
    test::run<test::contiguous>([&] {
        int array[10] = {};
        auto end = std::make_unique<root<int*>>(array + 10);
        auto heap_object = std::make_unique<int>(7);
        auto elsewhere = std::make_unique<root<int*>>(heap_object.get());
        const root<int*> empty;
        test::use_stack(100000);
        is_right = *end == array + 10 && **elsewhere == 7 && !empty.get();
    });
    CHECK(is_right);
}

TEST_CASE("a root that lies on a moving stack is found from there") {
    bool is_right = false;
    test::run<test::contiguous>([&] {
        int local = 3;
        root<int*> here{&local};
        test::use_stack(100000);
        is_right = here == &local && *here == 3;
    });
    CHECK(is_right);
}

TEST_CASE("a root outside points into a suspended coroutine, and follows it") {
    for (const auto layout : {growstack::stack_layout::guarded, growstack::stack_layout::dense}) {
        root<int*> outside;
        int* seen_inside = nullptr;
        growstack::coroutine<> c{[&] {
                                     int local = 5;
                                     seen_inside = &local;
                                     this_coroutine::yield();
                                     test::use_stack(100000);
                                     seen_inside = &local;
                                     this_coroutine::yield();
                                     seen_inside = &local;
                                 },
                                 {.initial_bytes = 4096, .layout = layout}};
        c.resume();
        outside = seen_inside; // from a plain thread: the stack is searched for
        c.resume();
        CHECK(outside == seen_inside);
        CHECK(*outside == 5);
        c.shrink();
        c.resume();
        CHECK(c.done());
        // The coroutine has ended: the root may be destroyed, and point elsewhere.
        int other = 1;
        outside = &other;
        CHECK(*outside == 1);
    }
}

TEST_CASE("a root of another coroutine's local follows that coroutine") {
    bool is_right = false;
    test::run<test::contiguous>([&] {
        auto shared = std::make_unique<root<int*>>();
        growstack::coroutine<> inner{[&] {
            int local = 9;
            *shared = &local;
            this_coroutine::yield();
            test::use_stack(100000);
            is_right = *shared == &local && **shared == 9;
        }};
        inner.resume();
        test::use_stack(100000); // moves the outer one
        inner.resume();
    });
    CHECK(is_right);
}

TEST_CASE_TEMPLATE("a root_range re-points an array of pointers", Kind, GROWSTACK_EACH_KIND) {
    bool is_right = true;
    test::run<Kind>([&] {
        int locals[3] = {1, 2, 3};
        const auto outside = std::make_unique<int*[]>(100);
        {
            const growstack::root_range range{std::span{outside.get(), 100}};
            for (int i = 0; i < 100; ++i) outside[static_cast<std::size_t>(i)] = i == 50 ? nullptr : &locals[i % 3];
            test::use_stack(100000);
            for (int i = 0; i < 100; ++i)
                is_right = is_right && outside[static_cast<std::size_t>(i)] == (i == 50 ? nullptr : &locals[i % 3]);
            outside[50] = &locals[0]; // raw pointers, written as ever
            test::use_stack(200000);
            is_right = is_right && *outside[50] == 1;
        }
    });
    CHECK(is_right);
}

TEST_CASE("roots outlive their coroutine's stack, in any order") {
    std::vector<root<int*>> outside(50);
    for (int round = 0; round < 3; ++round) {
        {
            std::vector<growstack::coroutine<>> all;
            for (std::size_t i = 0; i < outside.size(); ++i)
                all.emplace_back([&outside, i] {
                    int local = static_cast<int>(i);
                    outside[i] = &local;
                    test::use_stack(i * 1000);
                    this_coroutine::yield();
                });
            for (auto& c : all) c.resume();
            for (std::size_t i = 0; i < outside.size(); i += 3) outside[i] = nullptr;
            for (std::size_t i = 0; i < all.size(); i += 2) all[i].resume(); // these end, the others are destroyed
        }
    }
    outside.clear();
    CHECK(outside.empty());
}

TEST_CASE("threads give up roots of stacks that other threads move") {
    const auto body = [] {
        int local = 1;
        std::vector<std::thread> threads;
        for (int i = 0; i < 20; ++i) {
            auto r = std::make_unique<root<int*>>(&local);
            threads.emplace_back([r = std::move(r)]() mutable { r.reset(); });
            test::use_stack(static_cast<std::size_t>(i) * 5000);
        }
        for (auto& t : threads) t.join();
        return local == 1;
    };
    bool is_right = false;
    test::run<test::contiguous>([&] {
        const auto run = std::make_unique<decltype(body)>(body);
        is_right = (*run)();
    });
    CHECK(is_right);
}
