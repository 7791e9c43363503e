// coroutine.hpp and this_coroutine.hpp: what resume, yield, status and destruction do.
#include "../support.hpp"

#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using growstack::coroutine_status;
namespace this_coroutine = growstack::this_coroutine;

TEST_CASE_TEMPLATE("a body runs from one yield to the next, beginning at the first resume", Kind, GROWSTACK_EACH_KIND) {
    std::string steps;
    test::coroutine<Kind> c{[&] {
                                steps += 'a';
                                this_coroutine::yield();
                                steps += 'b';
                                this_coroutine::yield();
                                steps += 'c';
                            },
                            Kind::options};
    CHECK(steps == "");
    c.resume();
    steps += '1';
    c.resume();
    steps += '2';
    CHECK(!c.done());
    c.resume();
    CHECK(steps == "a1b2c");
    CHECK(c.done());
}

TEST_CASE_TEMPLATE("the status is suspended, then running, then dead", Kind, GROWSTACK_EACH_KIND) {
    test::coroutine<Kind>* self = nullptr;
    coroutine_status inside{};
    test::coroutine<Kind> c{[&] {
                                inside = self->status();
                                this_coroutine::yield();
                            },
                            Kind::options};
    self = &c;
    CHECK(c.status() == coroutine_status::suspended);
    c.resume();
    CHECK(inside == coroutine_status::running);
    CHECK(c.status() == coroutine_status::suspended);
    CHECK(static_cast<bool>(c));
    c.resume();
    CHECK(c.status() == coroutine_status::dead);
    CHECK(!static_cast<bool>(c));
}

TEST_CASE_TEMPLATE("a coroutine that has resumed another is normal meanwhile", Kind, GROWSTACK_EACH_KIND) {
    test::coroutine<Kind>* outer = nullptr;
    coroutine_status seen{};
    test::coroutine<Kind> inner{[&] { seen = outer->status(); }, Kind::options};
    test::coroutine<Kind> c{[&] { inner.resume(); }, Kind::options};
    outer = &c;
    c.resume();
    CHECK(seen == coroutine_status::normal);
    CHECK(c.done());
    CHECK(inner.done());
}

TEST_CASE_TEMPLATE("coroutines nest to any depth", Kind, GROWSTACK_EACH_KIND) {
    struct nest {
        static int run(int levels) {
            if (!levels) return 0;
            int below = -1;
            test::coroutine<Kind> c{[&] {
                                        this_coroutine::yield();
                                        below = run(levels - 1);
                                    },
                                    Kind::options};
            c.resume();
            c.resume();
            return below + 1;
        }
    };
    const int levels = static_cast<int>(test::depth(40));
    CHECK(nest::run(levels) == levels);
}

TEST_CASE_TEMPLATE("a coroutine may yield from any depth, after its stack has grown", Kind, GROWSTACK_EACH_KIND) {
    int bottoms = 0;
    const std::size_t levels = test::depth(400);
    std::vector<std::size_t> returned;
    test::coroutine<Kind> c{[&] {
                                for (int i = 0; i < 3; ++i)
                                    returned.push_back(test::at_depth(levels, [&] {
                                        ++bottoms;
                                        this_coroutine::yield();
                                    }));
                            },
                            Kind::options};
    for (int i = 1; i <= 3; ++i) {
        c.resume();
        CHECK(bottoms == i);
        CHECK(c.status() == coroutine_status::suspended);
    }
    c.resume();
    CHECK(c.done());
    CHECK(returned == std::vector<std::size_t>(3, levels));
}

TEST_CASE_TEMPLATE("a callable that can only be moved is a body", Kind, GROWSTACK_EACH_KIND) {
    int seen = 0;
    test::coroutine<Kind> c{[&seen, number = std::make_unique<int>(42)] { seen = *number; }, Kind::options};
    c.resume();
    CHECK(seen == 42);
}

namespace {

int function_calls = 0;
int a_function() { return ++function_calls; }

struct function_object {
    int* calls;
    void operator()() { ++*calls; }
};

} // namespace

TEST_CASE_TEMPLATE("functions and function objects are bodies, and their results are discarded", Kind,
                   GROWSTACK_EACH_KIND) {
    function_calls = 0;
    test::coroutine<Kind>{a_function, Kind::options}.resume();
    CHECK(function_calls == 1);
    int calls = 0;
    function_object body{&calls};
    test::coroutine<Kind>{body, Kind::options}.resume();
    CHECK(calls == 1);
}

TEST_CASE("without a policy named, a coroutine is a contiguous one") {
    growstack::coroutine c{[] {}};
    static_assert(std::is_same_v<decltype(c), growstack::coroutine<growstack::contiguous_stack>>);
    static_assert(!std::is_copy_constructible_v<growstack::coroutine<>>);
    static_assert(std::is_nothrow_move_constructible_v<growstack::coroutine<>>);
    CHECK(!c.done());
}

TEST_CASE_TEMPLATE("a handle may be moved while its coroutine is suspended and while it runs", Kind,
                   GROWSTACK_EACH_KIND) {
    test::coroutine<Kind> first, second;
    int steps = 0;
    first = test::coroutine<Kind>{[&] {
                                      ++steps;
                                      this_coroutine::yield();
                                      second = std::move(first);
                                      ++steps;
                                      this_coroutine::yield();
                                      ++steps;
                                  },
                                  Kind::options};
    first.resume();
    test::coroutine<Kind> third = std::move(first);
    CHECK(first.done());
    first = std::move(third);
    // The body moves the handle that resume() was called on.
    first.resume();
    CHECK(steps == 2);
    second.resume();
    CHECK(steps == 3);
    CHECK(second.done());
}

TEST_CASE_TEMPLATE("this_coroutine says who runs", Kind, GROWSTACK_EACH_KIND) {
    CHECK(!this_coroutine::is_inside());
    CHECK(this_coroutine::id() == nullptr);
    CHECK(this_coroutine::stats().stack_bytes == 0);
    bool is_inside = false;
    const void* id = nullptr;
    test::coroutine<Kind> c{[&] {
                                is_inside = this_coroutine::is_inside();
                                id = this_coroutine::id();
                            },
                            Kind::options};
    c.resume();
    CHECK(is_inside);
    CHECK(id == c.id());
    CHECK(!this_coroutine::is_inside());
}

TEST_CASE_TEMPLATE("an exception of the body leaves resume, and the coroutine is dead", Kind, GROWSTACK_EACH_KIND) {
    test::coroutine<Kind> c{[] {
                                this_coroutine::yield();
                                throw std::runtime_error("from the body");
                            },
                            Kind::options};
    c.resume();
    CHECK_THROWS_WITH_AS(c.resume(), "from the body", std::runtime_error);
    CHECK(c.done());
    CHECK(c.stats().stack_bytes == 0);
}

TEST_CASE_TEMPLATE("an exception passes through every nested resume that does not catch it", Kind,
                   GROWSTACK_EACH_KIND) {
    std::string caught;
    test::run<Kind>([&] {
        try {
            test::run<Kind>([] { test::run<Kind>([] { throw std::runtime_error("inner"); }); });
        } catch (const std::runtime_error& e) {
            caught = e.what();
        }
    });
    CHECK(caught == "inner");
}

namespace {

// Writes its letter when it is destroyed.
struct mark {
    std::string* log;
    char letter;
    ~mark() { *log += letter; }
};

} // namespace

TEST_CASE_TEMPLATE("destroying a suspended coroutine destroys its locals, the innermost first", Kind,
                   GROWSTACK_EACH_KIND) {
    std::string log;
    {
        test::coroutine<Kind> c{[&] {
                                    const mark a{&log, 'a'};
                                    test::at_depth(test::depth(300), [&] {
                                        const mark b{&log, 'b'};
                                        this_coroutine::yield();
                                        log += '!';
                                    });
                                },
                                Kind::options};
        c.resume();
        CHECK(log == "");
    }
    CHECK(log == "ba");
}

TEST_CASE_TEMPLATE("a catch-all that does not rethrow cannot stop the destruction", Kind, GROWSTACK_EACH_KIND) {
    std::string log;
    {
        test::coroutine<Kind> c{[&] {
                                    const mark outer{&log, 'o'};
                                    try {
                                        const mark inner{&log, 'i'};
                                        try {
                                            this_coroutine::yield();
                                        } catch (...) {
                                            log += '1';
                                        }
                                        log += '!';
                                    } catch (...) {
                                        log += '2';
                                    }
                                    log += '!';
                                },
                                Kind::options};
        c.resume();
    }
    CHECK(log == "1i2o");
}

TEST_CASE_TEMPLATE("a catch-all that rethrows lets the destruction pass", Kind, GROWSTACK_EACH_KIND) {
    std::string log;
    {
        test::coroutine<Kind> c{[&] {
                                    const mark outer{&log, 'o'};
                                    test::at_depth(test::depth(100), [&] {
                                        try {
                                            this_coroutine::yield();
                                        } catch (const std::exception&) {
                                            log += '!';
                                        } catch (...) {
                                            log += 'r';
                                            throw;
                                        }
                                    });
                                },
                                Kind::options};
        c.resume();
    }
    CHECK(log == "ro");
}

TEST_CASE_TEMPLATE("a destructor on the way of a destruction may throw and catch, and grow the stack", Kind,
                   GROWSTACK_EACH_KIND) {
    struct throws_inside {
        int* caught;
        ~throws_inside() {
            try {
                test::at_depth(test::depth(300), [] { throw 7; });
            } catch (int i) {
                *caught += i;
            }
        }
    };
    int caught = 0;
    {
        test::coroutine<Kind> c{[&] {
                                    const throws_inside a{&caught};
                                    const throws_inside b{&caught};
                                    this_coroutine::yield();
                                },
                                Kind::options};
        c.resume();
    }
    CHECK(caught == 14);
}

TEST_CASE_TEMPLATE("a coroutine that never ran is destroyed without running, captures included", Kind,
                   GROWSTACK_EACH_KIND) {
    const auto shared = std::make_shared<int>(1);
    bool has_run = false;
    {
        test::coroutine<Kind> c{[&has_run, shared] { has_run = true; }, Kind::options};
        CHECK(shared.use_count() == 2);
    }
    CHECK(shared.use_count() == 1);
    CHECK(!has_run);
}

TEST_CASE_TEMPLATE("assigning to a handle destroys the coroutine that it owned", Kind, GROWSTACK_EACH_KIND) {
    std::string log;
    test::coroutine<Kind> c{[&] {
                                const mark a{&log, 'a'};
                                this_coroutine::yield();
                            },
                            Kind::options};
    c.resume();
    c = test::coroutine<Kind>{[&] { log += 'n'; }, Kind::options};
    CHECK(log == "a");
    c.resume();
    CHECK(log == "an");
}

TEST_CASE_TEMPLATE("a coroutine that is destroyed inside another one unwinds there", Kind, GROWSTACK_EACH_KIND) {
    std::string log;
    test::run<Kind>([&] {
        const mark outer{&log, 'o'};
        test::coroutine<Kind> inner{[&] {
                                        const mark i{&log, 'i'};
                                        test::at_depth(test::depth(200), [] { this_coroutine::yield(); });
                                    },
                                    Kind::options};
        inner.resume();
        test::at_depth(test::depth(200), [] {});
    });
    CHECK(log == "io");
}

TEST_CASE_TEMPLATE("a suspended coroutine that holds suspended coroutines is destroyed with them", Kind,
                   GROWSTACK_EACH_KIND) {
    std::string log;
    {
        test::coroutine<Kind> c{[&] {
                                    const mark o{&log, 'o'};
                                    test::coroutine<Kind> inner{[&] {
                                                                    const mark i{&log, 'i'};
                                                                    this_coroutine::yield();
                                                                },
                                                                Kind::options};
                                    inner.resume();
                                    test::at_depth(test::depth(200), [] { this_coroutine::yield(); });
                                },
                                Kind::options};
        c.resume();
    }
    CHECK(log == "io");
}

TEST_CASE_TEMPLATE("a coroutine may be resumed inside a coroutine and outside of any by turns", Kind,
                   GROWSTACK_EACH_KIND) {
    int steps = 0;
    test::coroutine<Kind> c{[&] {
                                for (;;) {
                                    ++steps;
                                    this_coroutine::yield();
                                }
                            },
                            Kind::options};
    for (int i = 0; i < 5; ++i) {
        c.resume();
        test::run<Kind>([&] { test::at_depth(test::depth(100), [&] { c.resume(); }); });
    }
    CHECK(steps == 10);
}

TEST_CASE_TEMPLATE("a coroutine may be resumed by another thread than the last one", Kind, GROWSTACK_EACH_KIND) {
    int steps = 0;
    std::vector<std::thread::id> threads;
    threads.reserve(4);
    test::coroutine<Kind> c{[&] {
                                int local = 0;
                                for (int i = 0; i < 4; ++i) {
                                    ++local;
                                    test::at_depth(test::depth(200), [&] {
                                        threads.push_back(std::this_thread::get_id());
                                        this_coroutine::yield();
                                    });
                                    steps = local;
                                }
                            },
                            Kind::options};
    for (int i = 0; i < 2; ++i) {
        c.resume();
        std::thread{[&] { c.resume(); }}.join();
    }
    c.resume();
    CHECK(c.done());
    CHECK(steps == 4);
    REQUIRE(threads.size() == 4);
    CHECK(threads[0] == threads[2]);
    CHECK(threads[0] == std::this_thread::get_id());
    CHECK(threads[1] != threads[0]);
}

TEST_CASE_TEMPLATE("resume and yield allocate nothing", Kind, GROWSTACK_EACH_KIND) {
    test::coroutine<Kind> c{[] {
                                for (;;) this_coroutine::yield();
                            },
                            Kind::options};
    c.resume();
    const std::size_t before = test::allocations();
    for (int i = 0; i < 1000; ++i) c.resume();
    CHECK(test::allocations() == before);
}

TEST_CASE_TEMPLATE("a large callable lives with the coroutine, not on its stack", Kind, GROWSTACK_EACH_KIND) {
    struct large {
        unsigned char bytes[64 * 1024] = {};
    };
    auto content = std::make_unique<large>();
    content->bytes[65535] = 9;
    int seen = 0;
    auto body = std::make_unique<test::coroutine<Kind>>([&seen, copy = *content] { seen = copy.bytes[65535]; },
                                                        Kind::options);
    body->resume();
    CHECK(seen == 9);
}
