// Dense stacks: nothing stops code without checks at their end, so growstack itself must do with the headroom, or get
// room elsewhere.
#include "../support.hpp"

#include "memory/stackalloc.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;
using growstack::stack_layout;

namespace {

constexpr bool is_under_address_sanitizer = growstack::grow::has_address_sanitizer ||
                                            growstack::grow::has_thread_sanitizer;

// Says why not, once for each test.
bool are_stacks_dense() {
    if (!growstack::stress().link && !growstack::stress().fault && !is_under_address_sanitizer) return true;
    std::printf("not run in the hard modes link and fault, and under sanitizers: dense stacks are guarded there.\n");
    return false;
}

constexpr std::size_t throw_bytes = 8 * 1024;
constexpr std::size_t sizes[] = {1024, 2048, 4096, 8192, 16384};

// Memory on both sides of the dense stacks that are taken next, with a known content.
class neighbours {
public:
    neighbours() {
        for (const std::size_t bytes : sizes) {
            std::vector<growstack::grow::bounds> taken(48);
            for (auto& memory : taken) memory = growstack::grow::stackalloc(bytes, stack_layout::dense);
            std::ranges::sort(taken, {}, &growstack::grow::bounds::lo);
            for (std::size_t i = 0; i < taken.size(); ++i) {
                if (i % 2) growstack::grow::stackfree(taken[i], stack_layout::dense);
                else all_.push_back(taken[i]);
            }
        }
        for (const auto& memory : all_) std::fill(first(memory), last(memory), content);
    }
    ~neighbours() {
        for (const auto& memory : all_) growstack::grow::stackfree(memory, stack_layout::dense);
    }
    neighbours(const neighbours&) = delete;
    neighbours& operator=(const neighbours&) = delete;

    bool are_untouched() const {
        return std::ranges::all_of(all_, [](const auto& memory) {
            return std::all_of(first(memory), last(memory), [](std::uintptr_t word) { return word == content; });
        });
    }

private:
    static constexpr std::uintptr_t content = 0x5eed5eed5eed5eed;

    static std::uintptr_t* first(const growstack::grow::bounds& memory) {
        return reinterpret_cast<std::uintptr_t*>(memory.lo);
    }
    static std::uintptr_t* last(const growstack::grow::bounds& memory) {
        return reinterpret_cast<std::uintptr_t*>(memory.hi);
    }

    std::vector<growstack::grow::bounds> all_;
};

growstack::stack_options dense(std::size_t bytes) { return {.initial_bytes = bytes, .layout = stack_layout::dense}; }

using coroutine = growstack::coroutine<>;

// What a body does not need to have room for: things that are destroyed on the way, and counted.
int destroyed;
struct witness {
    witness() { test::opaque(this); }
    ~witness() { ++destroyed; }
};

void yield_below(int levels) {
    const witness w;
    if (levels) return yield_below(levels - 1);
    this_coroutine::yield();
}

// Each is done on a small dense stack, at its very end. Returns whether all was as it should be.

bool runs_one_to_its_end(std::size_t bytes) {
    bool has_run = false;
    coroutine c{[&has_run] { has_run = true; }, dense(bytes)};
    c.resume();
    return has_run && c.done();
}

bool runs_one_with_captures(std::size_t bytes) {
    coroutine c{[owned = std::make_unique<witness>()] { test::opaque(owned.get()); }, dense(bytes)};
    const int before = destroyed;
    c.resume();
    return destroyed == before + 1;
}

bool destroys_a_suspended_one(std::size_t bytes) {
    const int before = destroyed;
    {
        coroutine c{[] { yield_below(3); }, dense(bytes)};
        c.resume();
    }
    return destroyed == before + 4;
}

bool destroys_one_that_has_not_run(std::size_t bytes) {
    const coroutine c{[] {}, dense(bytes)};
    return !c.done();
}

bool resumes_often(std::size_t bytes) {
    int sum = 0;
    coroutine c{[&sum] {
                    for (int i = 1; i <= 10; ++i) {
                        sum += i;
                        this_coroutine::yield();
                    }
                },
                dense(bytes)};
    while (!c.done()) c.resume();
    return sum == 55;
}

bool passes_an_exception_on(std::size_t bytes) {
    coroutine c{[] {
                    this_coroutine::ensure(throw_bytes);
                    throw 42;
                },
                dense(bytes)};
    try {
        c.resume();
    } catch (int n) {
        return n == 42 && c.done();
    }
    return false;
}

template <class Error, class F>
bool throws(F&& f) {
    try {
        f();
    } catch (const Error&) {
        return true;
    }
    return false;
}

bool refuses_a_dead_one(std::size_t bytes) {
    coroutine c{[] {}, dense(bytes)};
    c.resume();
    return throws<growstack::usage_error>([&c] { c.resume(); });
}

bool refuses_an_empty_handle(std::size_t) {
    coroutine c;
    return throws<growstack::usage_error>([&c] { c.resume(); });
}

bool refuses_bad_options(std::size_t) {
    return throws<std::invalid_argument>([] { const coroutine c{[] {}, {.initial_bytes = 0}}; });
}

bool trims_and_shrinks(std::size_t bytes) {
    coroutine c{[] {
                    test::use_stack(20000);
                    this_coroutine::yield();
                },
                dense(bytes)};
    c.resume();
    const bool is_moved = c.shrink();
    return is_moved && c.trim() && c.stats().stack_bytes < 16 * 1024; // a yield needs more without optimisation
}

bool shrinks_on_yield(std::size_t bytes) {
    growstack::stack_options options = dense(bytes);
    options.shrink_on_yield = true;
    coroutine c{[] {
                    test::use_stack(20000);
                    this_coroutine::yield();
                },
                options};
    c.resume();
    return c.stats().stack_bytes < 16 * 1024 && c.stats().moves > 1;
}

bool generates(std::size_t bytes) {
    growstack::generator<int> numbers{[](auto& yield) {
                                          for (int i = 0; i < 5; ++i) yield(i);
                                      },
                                      dense(bytes)};
    int sum = 0;
    for (const int n : numbers) sum += n;
    return sum == 10;
}

bool calls_natively(std::size_t) {
    return growstack::native([] {
        char text[16];
        return std::snprintf(text, sizeof text, "%f", 0.5) == 8;
    });
}

bool overflows(std::size_t bytes) {
    bool is_caught = false;
    growstack::stack_options options = dense(bytes);
    options.max_bytes = 32 * 1024;
    coroutine c{[&is_caught] { is_caught = throws<growstack::stack_overflow>([] { test::use_stack(100000); }); },
                options};
    c.resume();
    return is_caught && c.done();
}

bool asks_for_figures(std::size_t) { return growstack::memory().in_use > 0 && this_coroutine::stats().stack_bytes > 0; }

constexpr struct {
    const char* name;
    bool (*run)(std::size_t bytes);
} operations[] = {
    {"run to its end", runs_one_to_its_end},
    {"run, with captures to destroy", runs_one_with_captures},
    {"destroy suspended", destroys_a_suspended_one},
    {"destroy before it has run", destroys_one_that_has_not_run},
    {"resume often", resumes_often},
    {"pass an exception on", passes_an_exception_on},
    {"resume a dead one", refuses_a_dead_one},
    {"resume an empty handle", refuses_an_empty_handle},
    {"bad options", refuses_bad_options},
    {"trim and shrink", trims_and_shrinks},
    {"shrink on yield", shrinks_on_yield},
    {"generate", generates},
    {"native", calls_natively},
    {"overflow", overflows},
    {"figures", asks_for_figures},
};

// Runs f() at every place of the stack: `padding` moves it in steps of 16 bytes, the recursion in larger ones.
template <std::size_t padding, class F>
void with_padding(int levels, F& f) {
    volatile unsigned char content[padding + 1];
    content[padding] = 1;
    test::opaque(content);
    test::at_depth(static_cast<std::size_t>(levels), f);
    test::opaque(content);
}

template <std::size_t... steps, class F>
void at_every_padding(std::index_sequence<steps...>, int levels, F& f) {
    (with_padding<steps * 16>(levels, f), ...);
}

template <class Kind>
void do_all_at_every_place(std::size_t bytes) {
    const neighbours around;
    for (const auto& operation : operations) {
        const std::string name = operation.name;
        CAPTURE(name);
        CAPTURE(bytes);
        int done = 0, right = 0;
        for (int levels = 0; levels < 40; levels += test::is_stressed() ? 7 : 1) {
            auto body = [&] {
                auto f = [&] {
                    ++done;
                    right += operation.run(1024);
                };
                at_every_padding(std::make_index_sequence<8>{}, levels, f);
            };
            test::coroutine<Kind> c{body, dense(bytes)};
            while (!c.done()) c.resume();
        }
        CHECK(done > 0);
        CHECK(right == done);
        CHECK(around.are_untouched());
    }
}

} // namespace

TEST_CASE("growstack's own code stays within a dense stack, wherever it begins") {
    if (!are_stacks_dense()) return;
    for (const std::size_t bytes : {1024, 2048, 4096}) do_all_at_every_place<test::contiguous>(bytes);
}

TEST_CASE("growstack's own code stays within a dense stack that does not move") {
    if (!are_stacks_dense()) return;
    do_all_at_every_place<test::segmented>(16 * 1024);
    do_all_at_every_place<test::fixed>(16 * 1024);
}

TEST_CASE("code without checks that calls back from beyond a dense stack's end ends the program, which says so") {
    if (!are_stacks_dense()) return;
    const auto end = test::run_in_child([] {
        const neighbours below; // or there would be no memory to run into
        test::run<test::contiguous>([] { test::call_without_checks(3000, [] { test::use_stack(100); }); }, dense(2048));
    });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "code without checks ran over the end of its dense stack"),
                  end.error_text);
    CHECK_MESSAGE(test::contains(end.error_text, "contiguous_stack"), end.error_text);
}

TEST_CASE("a dense stack that was overwritten ends the program at its own end, and names the stack above") {
    if (!are_stacks_dense()) return;
    if (test::is_stressed()) {
        std::printf("not run in the hard mode move: the stack below is another one each time.\n");
        return;
    }
    const auto end = test::run_in_child([] {
        std::vector<coroutine> all;
        for (int i = 0; i < 200; ++i) {
            all.emplace_back(
                [i] {
                    if (i == 100) test::call_without_checks(2048, nullptr);
                    this_coroutine::yield();
                },
                dense(2048));
        }
        all[100].resume();
        std::fprintf(stderr, "culprit %p\n", all[100].id());
        all.clear();
    });
    CHECK(end.signal == SIGABRT);
    CHECK_MESSAGE(test::contains(end.error_text, "the high end of its dense stack was overwritten"), end.error_text);
    const std::string culprit = end.error_text.substr(8, end.error_text.find('\n') - 8);
    CHECK_MESSAGE(test::contains(end.error_text, "now coroutine " + culprit), end.error_text);
}

TEST_CASE("dense stacks lie side by side") {
    if (!are_stacks_dense()) return;
    const std::size_t before = growstack::memory().in_use;
    std::vector<coroutine> all;
    for (int i = 0; i < 1000; ++i) all.emplace_back([] { this_coroutine::yield(); }, dense(2048));
    for (auto& c : all) c.resume();
    if (!test::is_stressed()) CHECK(growstack::memory().in_use - before == 1000 * 2048);
    CHECK(all[0].stats().stack_bytes >= 2048);
}

TEST_CASE("a dense stack that has grown is guarded, and code without checks then has room") {
    coroutine c{[] {
                    this_coroutine::ensure(20000);
                    test::call_without_checks(60000, nullptr);
                },
                dense(1024)};
    c.resume();
    CHECK(c.done());
}

TEST_CASE("a stack shrinks at each shallow yield if its options say so") {
    if (growstack::stress().link) {
        std::printf("not run in the hard mode link: nothing moves.\n");
        return;
    }
    for (const stack_layout layout : {stack_layout::guarded, stack_layout::dense}) {
        growstack::stack_options options = dense(4096);
        options.layout = layout;
        options.shrink_on_yield = true;
        coroutine c{[] {
                        for (;;) {
                            test::use_stack(40000);
                            this_coroutine::yield();
                        }
                    },
                    options};
        for (int i = 0; i < 10; ++i) {
            c.resume();
            CHECK(c.stats().stack_bytes < 40000);
            CHECK(c.stats().peak_stack_bytes > 40000);
        }
        if (!test::is_stressed()) CHECK(c.stats().moves >= 20);
    }
}
