// generator.hpp: a coroutine as a range.
#include "../support.hpp"

#include <algorithm>
#include <numeric>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;

static_assert(std::ranges::input_range<growstack::generator<int>>);
static_assert(!std::ranges::forward_range<growstack::generator<int>>);
static_assert(std::input_iterator<growstack::generator<int>::iterator>);
static_assert(!std::is_copy_constructible_v<growstack::generator<int>>);

TEST_CASE_TEMPLATE("a generator hands out what its body yields, one value at a time", Kind, GROWSTACK_EACH_KIND) {
    int made = 0;
    test::generator<int, Kind> numbers{[&](auto& yield) {
                                           for (int i = 0; i < 5; ++i) {
                                               ++made;
                                               yield(i * i);
                                           }
                                       },
                                       Kind::options};
    CHECK(made == 0);
    std::vector<int> seen;
    for (int n : numbers) {
        seen.push_back(n);
        CHECK(made == static_cast<int>(seen.size()));
    }
    CHECK(seen == std::vector<int>{0, 1, 4, 9, 16});
}

// Clang before 16 does not compile the view classes of libstdc++ 12 (its CRTP base needs lazy constraints).
#if defined(__clang__) && __clang_major__ < 16
TEST_CASE("generators with views are tested by other compilers: this one does not compile libstdc++'s views") {}
#else
static_assert(std::ranges::viewable_range<growstack::generator<std::string>>);
static_assert(std::ranges::viewable_range<growstack::generator<std::string, growstack::segmented_stack>&>);

TEST_CASE_TEMPLATE("an endless generator combines with views", Kind, GROWSTACK_EACH_KIND) {
    test::generator<int, Kind> numbers{[](auto& yield) {
                                           for (int i = 0;; ++i) yield(i);
                                       },
                                       Kind::options};
    std::vector<int> seen;
    for (int n : std::move(numbers) | std::views::filter([](int i) { return i % 2 == 1; }) | std::views::take(4))
        seen.push_back(n);
    CHECK(seen == std::vector<int>{1, 3, 5, 7});
}

TEST_CASE_TEMPLATE("a generator that views have left early goes on, and is unwound at the end", Kind,
                   GROWSTACK_EACH_KIND) {
    const auto shared = std::make_shared<int>(0);
    {
        test::generator<int, Kind> g{[&](auto& yield) {
                                         const auto copy = shared;
                                         for (int i = 1;; ++i) yield(i);
                                     },
                                     Kind::options};
        for (int i : g | std::views::take(3)) *shared += i;
        CHECK(shared.use_count() == 2);
        CHECK(*shared == 6);
    }
    CHECK(shared.use_count() == 1);
}
#endif

TEST_CASE_TEMPLATE("the consumer sees the yielded object itself", Kind, GROWSTACK_EACH_KIND) {
    const std::string* address = nullptr;
    std::string after;
    std::string value = "yielded";
    test::generator<std::string, Kind> g{[&](auto& yield) {
                                             address = &value;
                                             yield(value);
                                             after = value;
                                         },
                                         Kind::options};
    for (std::string& s : g) {
        CHECK(&s == address);
        s += " and changed";
    }
    CHECK(after == "yielded and changed");
}

TEST_CASE_TEMPLATE("a generator may yield temporaries and move-only values", Kind, GROWSTACK_EACH_KIND) {
    test::generator<std::unique_ptr<int>, Kind> g{[](auto& yield) {
                                                      for (int i = 0; i < 3; ++i) yield(std::make_unique<int>(i));
                                                  },
                                                  Kind::options};
    int sum = 0;
    for (std::unique_ptr<int>& p : g) {
        const std::unique_ptr<int> mine = std::move(p);
        sum += *mine;
    }
    CHECK(sum == 3);
}

namespace {

struct tree {
    int value;
    const tree* left = nullptr;
    const tree* right = nullptr;
};

void visit(const tree* t, const std::function<void(int)>& each) {
    if (!t) return;
    visit(t->left, each);
    each(t->value);
    visit(t->right, each);
}

} // namespace

TEST_CASE_TEMPLATE("a generator may yield from any depth of recursion, through std::function too", Kind,
                   GROWSTACK_EACH_KIND) {
    // A list to the left: as deep as it is long.
    const int nodes = static_cast<int>(test::depth(500));
    std::vector<tree> all(static_cast<std::size_t>(nodes));
    for (int i = 0; i < nodes; ++i) {
        const auto at = static_cast<std::size_t>(i);
        all[at] = {i, i ? &all[at - 1] : nullptr, nullptr};
    }
    test::generator<int, Kind> in_order{[&](auto& yield) { visit(&all.back(), [&](int i) { yield(i); }); },
                                        Kind::options};
    int expected = 0;
    bool is_in_order = true;
    for (int i : in_order) is_in_order = is_in_order && i == expected++;
    CHECK(is_in_order);
    CHECK(expected == nodes);
}

TEST_CASE_TEMPLATE(
    "a generator that captures locals by reference inside a coroutine sees them after that stack has grown", Kind,
    GROWSTACK_EACH_KIND) {
    int sum = 0;
    int last_local = 0;
    const auto stats = test::run<Kind>([&] {
        int local = 0;
        int step = 1;
        test::generator<int, Kind> g{[&](auto& yield) {
                                         for (;;) {
                                             local += step;
                                             yield(local);
                                         }
                                     },
                                     Kind::options};
        std::size_t levels = 10;
        for (int n : g) {
            sum += n;
            if (local != n) sum = -1000000;
            ++step;
            test::at_depth(levels, [] {});
            levels = levels * 2;
            if (levels > test::depth(1500)) break;
        }
        last_local = local;
    });
    // local after k values is 1 + 2 + ... + k.
    int expected_sum = 0, expected_local = 0, k = 0;
    for (std::size_t levels = 10; levels <= test::depth(1500); levels *= 2) {
        expected_local += ++k;
        expected_sum += expected_local;
    }
    CHECK(sum == expected_sum);
    CHECK(last_local == expected_local);
    CHECK((!test::can_move<Kind> || growstack::stress().link || stats.moves > 1));
}

TEST_CASE_TEMPLATE("a value yielded from the consumer's own locals follows a move of the consumer", Kind,
                   GROWSTACK_EACH_KIND) {
    bool is_same = false;
    std::string text;
    test::run<Kind>([&] {
        std::string local = "sso";
        test::generator<std::string, Kind> g{[&](auto& yield) { yield(local); }, Kind::options};
        auto i = g.begin();
        test::at_depth(test::depth(1000), [] {});
        *i += "!";
        is_same = &*i == &local;
        text = local;
    });
    CHECK(is_same);
    CHECK(text == "sso!");
}

TEST_CASE_TEMPLATE("generators chain inside a coroutine whose stack moves", Kind, GROWSTACK_EACH_KIND) {
    std::vector<int> primes;
    test::run<Kind>([&] {
        // A sieve: each stage refers to the one before, all are locals of one frame chain.
        struct stage {
            static void run(test::generator<int, Kind>& from, std::vector<int>& primes, std::size_t left) {
                if (!left) return;
                auto i = from.begin();
                const int prime = *i;
                primes.push_back(prime);
                test::generator<int, Kind> next{[&](auto& yield) {
                                                    for (;;) {
                                                        ++i;
                                                        if (*i % prime) yield(int{*i});
                                                    }
                                                },
                                                Kind::options};
                run(next, primes, left - 1);
            }
        };
        test::generator<int, Kind> numbers{[](auto& yield) {
                                               for (int n = 2;; ++n) yield(n);
                                           },
                                           Kind::options};
        stage::run(numbers, primes, 8);
    });
    CHECK(primes == std::vector<int>{2, 3, 5, 7, 11, 13, 17, 19});
}

TEST_CASE_TEMPLATE("an exception of a generator's body leaves ++", Kind, GROWSTACK_EACH_KIND) {
    test::generator<int, Kind> g{[](auto& yield) {
                                     yield(1);
                                     throw std::runtime_error("no second value");
                                 },
                                 Kind::options};
    auto i = g.begin();
    CHECK(*i == 1);
    CHECK_THROWS_WITH_AS(++i, "no second value", std::runtime_error);
    CHECK(i == std::default_sentinel);
}

TEST_CASE_TEMPLATE("a generator that is left early is unwound", Kind, GROWSTACK_EACH_KIND) {
    const auto shared = std::make_shared<int>(0);
    {
        test::generator<int, Kind> g{[&](auto& yield) {
                                         const auto copy = shared;
                                         for (;;) yield(1);
                                     },
                                     Kind::options};
        int left = 3;
        for (int i : g) {
            *shared += i;
            if (!--left) break;
        }
        CHECK(shared.use_count() == 2);
    }
    CHECK(shared.use_count() == 1);
    CHECK(*shared == 3);
}

TEST_CASE_TEMPLATE("a body without parameters yields through this_coroutine", Kind, GROWSTACK_EACH_KIND) {
    test::generator<int, Kind> g{[] {
                                     for (int i = 1; i < 4; ++i) this_coroutine::yield_value(i);
                                 },
                                 Kind::options};
    int sum = 0;
    for (int i : g) sum += i;
    CHECK(sum == 6);
}

TEST_CASE_TEMPLATE("a generator without values is an empty range", Kind, GROWSTACK_EACH_KIND) {
    test::generator<int, Kind> g{[](auto&) {}, Kind::options};
    CHECK(g.begin() == g.end());
}

TEST_CASE_TEMPLATE("a value of the wrong type is refused, and the message says why", Kind, GROWSTACK_EACH_KIND) {
    std::string message;
    test::generator<int, Kind> g{
        [&](auto& yield) {
            message = test::message_of<growstack::usage_error>([] { this_coroutine::yield_value(2.5); });
            yield(3);
        },
        Kind::options};
    int sum = 0;
    for (int i : g) sum += i;
    CHECK(sum == 3);
    CHECK_MESSAGE(test::contains(message, "type"), message);
    CHECK_MESSAGE(test::contains(message, "yield_value"), message);
}

TEST_CASE_TEMPLATE("a value yielded in a plain coroutine or outside of any is refused", Kind, GROWSTACK_EACH_KIND) {
    std::string inside;
    test::run<Kind>([&] { inside = test::message_of<growstack::usage_error>([] { this_coroutine::yield_value(1); }); });
    CHECK_MESSAGE(test::contains(inside, "outside a generator"), inside);
    CHECK_THROWS_AS(this_coroutine::yield_value(1), growstack::usage_error);
}

TEST_CASE_TEMPLATE("an empty generator says so", Kind, GROWSTACK_EACH_KIND) {
    test::generator<int, Kind> g;
    const std::string message = test::message_of<growstack::usage_error>([&] { (void)g.begin(); });
    CHECK_MESSAGE(test::contains(message, "begin()"), message);
    CHECK_MESSAGE(test::contains(message, "empty"), message);
}
