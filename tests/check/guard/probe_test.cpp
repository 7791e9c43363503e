// growstack::call: the probe check, in code that has no other.
#include "support.hpp"

#include <memory>
#include <stdexcept>
#include <string>

namespace {

using growstack::call;
using growstack::this_coroutine::stats;

long fib(long n) { return n < 2 ? n : call<256>(fib, n - 1) + call<256>(fib, n - 2); }

// Keeps a pointer into each frame, and reads through it when the deeper ones are gone.
long chain(long depth, const long* above) {
    const long here = *above + 1;
    const long below = depth ? call<512>(chain, depth - 1, &here) : 0;
    return below + (&here == above ? 0 : here - *above);
}

struct counted {
    explicit counted(int& alive) : alive_{alive} { ++alive_; }
    ~counted() { --alive_; }
    counted(const counted&) = delete;
    int& alive_;
};

int throw_at(int depth, int& alive) {
    const counted c{alive};
    if (depth == 0) throw std::runtime_error("bottom");
    return call<1024>(throw_at, depth - 1, alive) + 1;
}

int endless(int n) { return call<300>(endless, n + 1) + 1; }

struct in_place {
    explicit in_place(int v) : value{v}, self{this} {}
    in_place(in_place&&) = delete;
    int value;
    in_place* self;
};

} // namespace

TEST_CASE_TEMPLATE("a probe grows the stack at any depth", Kind, GROWSTACK_EACH_SMALLEST_GROWING_KIND) {
    const auto after = test::run<Kind>([] {
        const long zero = 0;
        CHECK(chain(20'000, &zero) == 20'001);
        CHECK(fib(20) == 6765);
    });
    if constexpr (test::can_link<Kind>) CHECK(after.chunks_linked > 100);
    else CHECK(after.moves > 5);
}

TEST_CASE_TEMPLATE("a probe works at each place of sp", Kind, GROWSTACK_EACH_SMALLEST_GROWING_KIND) {
    test::for_each_offset<Kind>([] {
        int big[64] = {1, 2, 3};
        const int sum = call<2048>([](int(&numbers)[64], const int* second) { return numbers[0] + *second; }, big,
                                   big + 1);
        CHECK(sum == 3);
    });
}

TEST_CASE_TEMPLATE("results of every kind come back", Kind, GROWSTACK_EACH_SMALLEST_GROWING_KIND) {
    test::for_each_offset<Kind>([] {
        std::string text = "a string that is too long for the small-string optimisation";
        CHECK(call<1500>([&] { return text; }) == text);
        CHECK(&call<1500>([&]() -> std::string& { return text; }) == &text);
        std::string&& same = call<1500>([&]() -> std::string&& { return std::move(text); });
        CHECK(&same == &text);
        CHECK(*call<1500>([](std::unique_ptr<int> p) { return p; }, std::make_unique<int>(7)) == 7);
        const in_place there = call<1500>([](int v) { return in_place{v}; }, 5);
        CHECK((there.value == 5 && there.self == &there));
        CHECK(call<1500>([](double a, long double b) { return a + static_cast<double>(b); }, 0.5, 0.25L) == 0.75);
        struct three_words {
            long a, b, c;
        };
        CHECK(call<1500>([] { return three_words{1, 2, 3}; }).c == 3);
        int times = 0;
        call<1500>([&] { ++times; });
        CHECK(times == 1);
    });
}

TEST_CASE_TEMPLATE("arguments are forwarded, members invoked", Kind, GROWSTACK_EACH_SMALLEST_GROWING_KIND) {
    struct object {
        virtual ~object() = default;
        virtual int add(int n) const { return value + n; }
        int value = 4;
    };
    test::for_each_offset<Kind>([] {
        object o;
        CHECK(call<1500>(&object::add, o, 3) == 7);
        call<1500>(&object::value, o) = 9;
        CHECK(o.value == 9);
        auto only_moved = std::make_unique<int>(1);
        call<1500>([](std::unique_ptr<int>&& p) { const auto taken = std::move(p); }, std::move(only_moved));
        CHECK(!only_moved);
    });
}

TEST_CASE_TEMPLATE("exceptions pass through probes that grew the stack", Kind, GROWSTACK_EACH_SMALLEST_GROWING_KIND) {
    test::run<Kind>([] {
        for (int depth : {1, 5, 50, 200}) {
            int alive = 0;
            std::string caught;
            try {
                throw_at(depth, alive);
            } catch (const std::exception& e) {
                caught = e.what();
            }
            CHECK(caught == "bottom");
            CHECK(alive == 0);
        }
    });
}

TEST_CASE_TEMPLATE("a probe that finds no room throws stack_overflow, again and again", Kind,
                   GROWSTACK_EACH_SMALLEST_KIND) {
    growstack::stack_options options = Kind::options;
    options.max_bytes = 256 << 10;
    test::run<Kind>(
        [] {
            for (int i = 0; i < 5; ++i) {
                std::string caught;
                try {
                    endless(0);
                } catch (const growstack::stack_overflow& e) {
                    caught = e.what();
                }
                CHECK(caught.find("stack overflow in coroutine") != std::string::npos);
            }
        },
        options);
}

TEST_CASE("a probe of many pages jumps over no guard") {
    test::run<test::smallest_segmented>([] {
        const auto use = [] {
            volatile char pages[200 << 10];
            for (std::size_t i = 0; i < sizeof pages; i += 1000) pages[i] = 1;
            return static_cast<int>(pages[0]);
        };
        CHECK(call<(210 << 10)>(use) == 1);
        CHECK(stats().chunks_linked == 1);
    });
}

TEST_CASE("on a plain thread a probe only reads") {
    CHECK(fib(15) == 610);
    CHECK(call<100'000>([] { return 3; }) == 3);
}

TEST_CASE_TEMPLATE("a probed recursion yields at each depth", Kind, GROWSTACK_EACH_SMALLEST_GROWING_KIND) {
    struct recursion {
        static int down(int n) {
            growstack::this_coroutine::yield();
            const int below = n ? call<700>(down, n - 1) : 0;
            growstack::this_coroutine::yield();
            return below + 1;
        }
    };
    int result = 0;
    test::coroutine<Kind> c{[&] { result = recursion::down(100); }, Kind::options};
    int resumed = 0;
    for (; !c.done(); ++resumed) c.resume();
    CHECK(result == 101);
    CHECK(resumed == 203);
}
