// Exceptions and switches, exceptions and growth: each coroutine has its own state of both.
#include "../support.hpp"

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;

namespace {

// Counts the objects of its kind that are alive; large enough to be seen in a frame. The destructor is a function, with
// a check.
struct counted {
    int* alive;
    explicit counted(int* count) : alive{count} { ++*alive; }
    [[gnu::noinline]] ~counted() { --*alive; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
};

// Throws `levels` frames further down, each with a destructor.
GROWSTACK_ON_NATIVE_STACK void throw_from(std::size_t levels, int* alive) {
    const counted here{alive};
    volatile char frame[64] = {};
    test::opaque(frame);
    if (!levels) throw std::runtime_error("bottom");
    throw_from(levels - 1, alive);
    test::opaque(frame);
}

// As throw_from, but each frame catches and throws the same exception again.
void rethrow_from(std::size_t levels, int* handlers) {
    volatile char frame[32] = {};
    test::opaque(frame);
    if (!levels) throw std::runtime_error("rethrown");
    try {
        rethrow_from(levels - 1, handlers);
    } catch (std::exception&) {
        ++*handlers;
        throw;
    }
    test::opaque(frame);
}

void nest_from(std::size_t levels) {
    volatile char frame[32] = {};
    test::opaque(frame);
    if (!levels) throw std::runtime_error("0");
    try {
        nest_from(levels - 1);
    } catch (...) {
        std::throw_with_nested(std::runtime_error(std::to_string(levels)));
    }
    test::opaque(frame);
}

// Returns how many exceptions are nested in `e`, each in the next; -1 if one has the wrong text.
int nested_count(const std::exception& e, std::size_t levels) {
    if (e.what() != std::to_string(levels)) return -1;
    try {
        std::rethrow_if_nested(e);
    } catch (const std::exception& inner) {
        const int below = nested_count(inner, levels - 1);
        return below < 0 ? below : below + 1;
    }
    return 0;
}

} // namespace

TEST_CASE_TEMPLATE("an exception that passes many frames destroys all their locals", Kind, GROWSTACK_EACH_KIND) {
    int alive = 0;
    std::string caught;
    const std::size_t levels = test::depth(2000);
    const auto stats = test::run<Kind>([&] {
        for (int i = 0; i < 3; ++i) {
            try {
                throw_from(levels, &alive);
            } catch (const std::runtime_error& e) {
                caught += e.what();
            }
        }
    });
    CHECK(caught == "bottombottombottom");
    CHECK(alive == 0);
    CHECK((!test::can_link<Kind> || stats.chunks_linked > 3));
    CHECK((!test::can_move<Kind> || growstack::stress().link || stats.moves > 1));
}

TEST_CASE_TEMPLATE("the limit after a catch is that of the frame that caught", Kind, GROWSTACK_EACH_KIND) {
    // If it stayed that of the chunk that the exception left, later calls would not be checked and run into the guard.
    int alive = 0;
    std::size_t sum = 0;
    const std::size_t levels = test::depth(300);
    test::run<Kind>([&] {
        for (int i = 0; i < 5; ++i) {
            try {
                throw_from(levels, &alive);
            } catch (const std::runtime_error&) {
                sum += test::at_depth(levels, [] {});
            }
            sum += test::at_depth(2 * levels, [] {});
        }
    });
    CHECK(sum == 5 * 3 * levels);
    CHECK(alive == 0);
}

TEST_CASE_TEMPLATE("a handler may be entered and left after the stack has grown inside it", Kind, GROWSTACK_EACH_KIND) {
    std::string seen;
    test::run<Kind>([&] {
        std::string local = "local";
        try {
            throw std::runtime_error("kept");
        } catch (const std::exception& e) {
            test::at_depth(test::depth(1000), [] {});
            seen = local + " " + e.what();
        }
    });
    CHECK(seen == "local kept");
}

TEST_CASE_TEMPLATE("a try block that was entered before the stack moved catches", Kind, GROWSTACK_EACH_KIND) {
    int caught = 0;
    int alive = 0;
    test::run<Kind>([&] {
        std::string guard = "before";
        try {
            const counted here{&alive};
            test::at_depth(test::depth(1000), [] {}); // moves
            throw_from(3, &alive);
        } catch (const std::runtime_error&) {
            caught += guard == "before";
        }
        try {
            const counted here{&alive};
            test::at_depth(test::depth(4000), [&] { throw 5; });
        } catch (int i) {
            caught += i;
        }
    });
    CHECK(caught == 6);
    CHECK(alive == 0);
}

TEST_CASE_TEMPLATE("an exception is rethrown by each of many frames", Kind, GROWSTACK_EACH_KIND) {
    int handlers = 0;
    std::string caught;
    const std::size_t levels = test::depth(200);
    test::run<Kind>([&] {
        try {
            rethrow_from(levels, &handlers);
        } catch (const std::runtime_error& e) {
            caught = e.what();
        }
    });
    CHECK(caught == "rethrown");
    CHECK(handlers == static_cast<int>(levels));
}

TEST_CASE_TEMPLATE("exceptions nest over many frames and come apart again", Kind, GROWSTACK_EACH_KIND) {
    const std::size_t levels = test::depth(120);
    int count = 0;
    test::run<Kind>([&] {
        try {
            nest_from(levels);
        } catch (const std::exception& e) {
            count = nested_count(e, levels);
        }
    });
    CHECK(count == static_cast<int>(levels));
}

TEST_CASE_TEMPLATE("an exception thrown at every distance from the limit is caught", Kind, GROWSTACK_EACH_KIND) {
    int alive = 0;
    std::size_t caught = 0, thrown = 0;
    growstack::stack_options options = Kind::options;
    options.initial_bytes = 64 * 1024;
    test::for_each_room([&](std::size_t room) {
        ++thrown;
        test::run<Kind>(
            [&] {
                try {
                    test::with_room(room, [&] { throw_from(2, &alive); });
                } catch (const std::runtime_error&) {
                    ++caught;
                } catch (const growstack::stack_overflow&) {
                    if (!test::can_grow<Kind>) ++caught;
                }
            },
            options);
    });
    CHECK(caught == thrown);
    CHECK(alive == 0);
}

TEST_CASE_TEMPLATE("an exception thrown and caught at every distance from the limit leaves the frame usable", Kind,
                   GROWSTACK_EACH_GROWING_KIND) {
    std::size_t right = 0, thrown = 0;
    test::for_each_room([&](std::size_t room) {
        ++thrown;
        test::run<Kind>([&] {
            test::with_room(room, [&] {
                std::string text = "self";
                int alive = 0;
                try {
                    throw_from(1, &alive);
                } catch (const std::runtime_error& e) {
                    text += e.what();
                }
                right += text == "selfbottom" && alive == 0;
            });
        });
    });
    CHECK(right == thrown);
}

TEST_CASE_TEMPLATE("destructors may recurse deeply while an exception is in flight", Kind, GROWSTACK_EACH_KIND) {
    struct deep {
        std::size_t* total;
        ~deep() {
            *total += test::at_depth(test::depth(600), [] {});
        }
    };
    std::size_t total = 0;
    std::string caught;
    const auto stats = test::run<Kind>([&] {
        try {
            const deep a{&total};
            const deep b{&total};
            throw std::runtime_error("in flight");
        } catch (const std::runtime_error& e) {
            caught = e.what();
        }
    });
    CHECK(caught == "in flight");
    CHECK(total == 2 * test::depth(600));
    // The unwinder knows addresses of the stack: it must not move.
    CHECK((!test::can_grow<Kind> || stats.chunks_linked > 0));
}

TEST_CASE_TEMPLATE("a destructor that runs in flight may throw and catch an exception of its own", Kind,
                   GROWSTACK_EACH_KIND) {
    struct throws_inside {
        std::string* log;
        ~throws_inside() {
            int alive = 0;
            try {
                throw_from(test::depth(400), &alive);
            } catch (const std::exception&) {
                *log += alive == 0 && std::uncaught_exceptions() == 1 ? 'y' : 'n';
            }
        }
    };
    std::string log;
    test::run<Kind>([&] {
        try {
            const throws_inside a{&log};
            const throws_inside b{&log};
            throw 1;
        } catch (int) {
            log += '.';
        }
    });
    CHECK(log == "yy.");
}

TEST_CASE_TEMPLATE("each coroutine is in a handler of its own when it yields inside one", Kind, GROWSTACK_EACH_KIND) {
    std::string log;
    const auto body = [&](std::string name) {
        return [&log, name] {
            try {
                throw std::runtime_error(name);
            } catch (const std::exception&) {
                this_coroutine::yield();
                try {
                    throw;
                } catch (const std::exception& again) {
                    log += again.what();
                }
                this_coroutine::yield();
                try {
                    std::rethrow_exception(std::current_exception());
                } catch (const std::exception& current) {
                    log += current.what();
                }
            }
            log += std::current_exception() ? '!' : '.';
        };
    };
    test::coroutine<Kind> a{body("a"), Kind::options}, b{body("b"), Kind::options}, c{body("c"), Kind::options};
    for (auto* each : {&a, &b, &c}) each->resume();
    CHECK(!std::current_exception());
    for (auto* each : {&b, &a, &c}) each->resume();
    for (auto* each : {&c, &b, &a}) each->resume();
    CHECK(log == "bacc.b.a.");
    CHECK((a.done() && b.done() && c.done()));
}

TEST_CASE_TEMPLATE("a handler outside sees its own exception after a coroutine inside it threw and yielded", Kind,
                   GROWSTACK_EACH_KIND) {
    std::string log;
    test::coroutine<Kind> c{[&] {
                                log += std::current_exception() ? '!' : '.';
                                try {
                                    throw std::runtime_error("inner");
                                } catch (...) {
                                    this_coroutine::yield();
                                }
                            },
                            Kind::options};
    try {
        try {
            throw std::runtime_error("outer");
        } catch (...) {
            c.resume();
            throw;
        }
    } catch (const std::exception& e) {
        log += e.what();
        c.resume();
        try {
            throw;
        } catch (const std::exception& again) {
            log += again.what();
        }
    }
    CHECK(log == ".outerouter");
    CHECK(c.done());
}

TEST_CASE_TEMPLATE("uncaught_exceptions counts the running coroutine's own, right after each switch", Kind,
                   GROWSTACK_EACH_KIND) {
    struct yields {
        std::vector<int>* counts;
        ~yields() {
            counts->push_back(std::uncaught_exceptions());
            this_coroutine::yield();
            counts->push_back(std::uncaught_exceptions());
            this_coroutine::yield();
            counts->push_back(std::uncaught_exceptions());
        }
    };
    std::vector<int> inside, outside;
    inside.reserve(8);
    test::coroutine<Kind> c{[&] {
                                try {
                                    const yields y{&inside};
                                    throw 1;
                                } catch (int) {
                                    inside.push_back(std::uncaught_exceptions());
                                }
                            },
                            Kind::options};
    struct resumes {
        test::coroutine<Kind>* c;
        std::vector<int>* counts;
        ~resumes() {
            counts->push_back(std::uncaught_exceptions());
            c->resume();
            counts->push_back(std::uncaught_exceptions());
        }
    };
    c.resume();
    outside.push_back(std::uncaught_exceptions());
    try {
        const resumes r{&c, &outside};
        throw 2;
    } catch (int) {
        outside.push_back(std::uncaught_exceptions());
    }
    c.resume();
    outside.push_back(std::uncaught_exceptions());
    CHECK(inside == std::vector<int>{1, 1, 1, 0});
    CHECK(outside == std::vector<int>{0, 1, 1, 0, 0});
    CHECK(c.done());
}

TEST_CASE_TEMPLATE("a coroutine that begins while an exception is in flight starts with none", Kind,
                   GROWSTACK_EACH_KIND) {
    struct begins {
        int* count;
        ~begins() {
            test::run<Kind>([this] {
                *count = std::uncaught_exceptions();
                test::at_depth(test::depth(600), [] {});
            });
        }
    };
    int count = -1;
    try {
        const begins b{&count};
        throw 1;
    } catch (int) {
    }
    CHECK(count == 0);
}

TEST_CASE_TEMPLATE("many coroutines stay in handlers at many depths and rethrow in any order", Kind,
                   GROWSTACK_EACH_KIND) {
    const std::size_t count = test::depth(64);
    std::size_t right = 0;
    std::vector<test::coroutine<Kind>> all;
    for (std::size_t i = 0; i < count; ++i)
        all.emplace_back(
            [&right, i] {
                try {
                    try {
                        test::at_depth(10 * i, [&] { throw i; });
                    } catch (std::size_t) {
                        test::at_depth(5 * i, [] { this_coroutine::yield(); });
                        throw;
                    }
                } catch (std::size_t caught) {
                    right += caught == i;
                }
            },
            Kind::options);
    for (auto& c : all) c.resume();
    for (std::size_t i = 0; i < count; ++i) all[i * 29 % count].resume();
    CHECK(right == count);
}

TEST_CASE_TEMPLATE("an exception_ptr carries an exception from one coroutine into another", Kind, GROWSTACK_EACH_KIND) {
    std::exception_ptr carried;
    std::string caught;
    test::run<Kind>([&] {
        try {
            int alive = 0;
            throw_from(test::depth(300), &alive);
        } catch (...) {
            carried = std::current_exception();
        }
    });
    test::run<Kind>([&] {
        try {
            test::at_depth(test::depth(300), [&] { std::rethrow_exception(carried); });
        } catch (const std::runtime_error& e) {
            caught = e.what();
        }
    });
    CHECK(caught == "bottom");
}

TEST_CASE_TEMPLATE("a function-try-block, a constructor that throws and an array half built behave as ever", Kind,
                   GROWSTACK_EACH_KIND) {
    struct part {
        int* alive;
        explicit part(int* count) : alive{count} {
            test::use_stack(3000);
            if (*alive == 2) throw std::runtime_error("third");
            ++*alive;
        }
        ~part() {
            test::use_stack(3000);
            --*alive;
        }
    };
    struct whole {
        part a, b, c;
        explicit whole(int* count) try : a{count}, b{count}, c{count} {
        } catch (const std::runtime_error&) {
            throw std::logic_error("whole");
        }
    };
    int alive = 0;
    std::string caught;
    test::run<Kind>([&] {
        try {
            const whole w{&alive};
        } catch (const std::logic_error& e) {
            caught = e.what();
        }
        try {
            const part parts[4] = {part{&alive}, part{&alive}, part{&alive}, part{&alive}};
        } catch (const std::runtime_error& e) {
            caught += e.what();
        }
    });
    CHECK(caught == "wholethird");
    CHECK(alive == 0);
}

TEST_CASE_TEMPLATE("a thrown pointer to a local of a frame above points to it when it is caught", Kind,
                   GROWSTACK_EACH_KIND) {
    // The exception object lies in the heap, where a move would not re-point it: while it is in flight none happens.
    bool is_same = false;
    int value = 0;
    test::run<Kind>([&] {
        int local = 1;
        try {
            test::at_depth(3, [&] {
                struct grows {
                    ~grows() {
                        test::at_depth(test::depth(600), [] {});
                    }
                } g;
                throw &local;
            });
        } catch (int* caught) {
            if (!growstack::stress().move) is_same = caught == &local, *caught = 7;
            else is_same = true, local = 7; // moved when the exception object was made, or when it was caught
        }
        value = local;
    });
    CHECK(is_same);
    CHECK(value == 7);
}
