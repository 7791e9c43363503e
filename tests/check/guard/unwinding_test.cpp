// Code without checks goes deep while exceptions are in flight: what the unwinder keeps in the heap follows the stack.
#include "grow.hpp"

#include <cstdlib>
#include <exception>
#include <stdexcept>

namespace {

// Returns the sum of 1 to levels, computed through pointers to the callers' locals.
[[gnu::noinline]] long recurse(int levels, const long* above = nullptr) {
    volatile char frame[400];
    guard::opaque(frame);
    const long here = levels;
    const long below = levels ? recurse(levels - 1, &here) : 0;
    return below + (above ? *above - here - 1 : 0) + here;
}

constexpr int deep = 2000; // of frames of over 400 bytes
constexpr long deep_sum = deep * (deep + 1L) / 2;

[[gnu::noinline]] int throw_at_each_level(int levels) {
    volatile char frame[400];
    guard::opaque(frame);
    int caught = 0;
    try {
        throw levels;
    } catch (const int& value) {
        caught = value;
    }
    return levels ? throw_at_each_level(levels - 1) + (caught == levels) : caught == levels;
}

// Where the unwinder keeps the address of the frame that will catch the exception: _Unwind_Exception.private_2, in
// front of the exception object. Only some personality functions read it, so a test must.
const std::uintptr_t* handler_address = nullptr;

struct in_flight : std::runtime_error {
    in_flight() : std::runtime_error("in flight") {
        handler_address = reinterpret_cast<const std::uintptr_t*>(this) - 1;
    }
};

[[gnu::noinline]] int recurse_in_handlers(int levels) {
    volatile char frame[400];
    guard::opaque(frame);
    try {
        throw levels;
    } catch (const int& value) {
        const int below = levels ? recurse_in_handlers(levels - 1) : 0;
        return below + (value == levels);
    }
}

struct goes_deep {
    long& sum;
    int& followed; // counts handlers that have moved as far as the locals have
    ~goes_deep() {
        volatile char local = 0;
        const auto distance = [&] {
            return static_cast<long>(*handler_address - reinterpret_cast<std::uintptr_t>(&local));
        };
        const long before = distance();
        sum += recurse(deep);
        followed += std::labs(before) < 100'000 && distance() == before;
    }
};

// In each destructor another exception is thrown, and caught, while the stack grows: `levels` are in flight at a time.
struct throws_in_flight {
    int levels;
    int& caught;
    ~throws_in_flight() {
        recurse(100 * levels);
        if (!levels) return;
        try {
            const throws_in_flight next{levels - 1, caught};
            throw levels;
        } catch (int value) {
            caught += value == levels;
        }
        recurse(200 * levels);
    }
};

template <class Kind>
void check_has_moved(const growstack::stack_stats& stats, std::size_t least) {
    if constexpr (test::can_move<Kind>) CHECK(stats.moves >= least);
}

} // namespace

TEST_CASE_TEMPLATE("recursion in which each level throws and catches comes to its end", Kind,
                   GROWSTACK_SMALL_AND_LARGE_KINDS) {
    int right = 0;
    check_has_moved<Kind>(test::run<Kind>([&] { right = throw_at_each_level(deep); }), 4);
    CHECK(right == deep + 1);
}

TEST_CASE_TEMPLATE("a destructor goes deep while an exception is in flight, which is then caught", Kind,
                   GROWSTACK_SMALL_AND_LARGE_KINDS) {
    long sum = 0;
    int followed = 0;
    std::string caught;
    const growstack::stack_stats stats = test::run<Kind>([&] {
        long local = 0;
        int local_followed = 0;
        try {
            const goes_deep first{local, local_followed};
            const goes_deep second{local, local_followed};
            throw in_flight();
        } catch (const std::exception& e) {
            caught = e.what();
        }
        sum = local;
        followed = local_followed;
    });
    check_has_moved<Kind>(stats, 4);
    CHECK(caught == "in flight");
    CHECK(sum == 2 * deep_sum);
    CHECK(followed == 2);
}

TEST_CASE_TEMPLATE("many exceptions are in flight while the stack moves, and each is caught", Kind,
                   GROWSTACK_SMALL_AND_LARGE_KINDS) {
    int caught = 0;
    const growstack::stack_stats stats = test::run<Kind>([&] {
        int local = 0;
        {
            const throws_in_flight first{12, local};
        }
        caught = local;
    });
    check_has_moved<Kind>(stats, 3);
    CHECK(caught == 12);
}

TEST_CASE_TEMPLATE("an exception that is thrown again follows the stack", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    long sum = 0;
    int caught = 0, followed = 0;
    const growstack::stack_stats stats = test::run<Kind>([&] {
        long local = 0;
        int local_followed = 0;
        std::exception_ptr kept;
        try {
            try {
                const goes_deep first{local, local_followed};
                throw in_flight();
            } catch (const in_flight&) {
                kept = std::current_exception();
                const goes_deep second{local, local_followed};
                throw;
            }
        } catch (const std::exception&) {
            ++caught;
        }
        try {
            recurse(2 * deep);
            std::rethrow_exception(kept); // shares its object
        } catch (const std::exception&) {
            ++caught;
        }
        sum = local;
        followed = local_followed;
    });
    check_has_moved<Kind>(stats, 4);
    CHECK(caught == 2);
    CHECK(sum == 2 * deep_sum);
    CHECK(followed == 2);
}

// Each level's exception is alive, and can be found, until its handler ends.
TEST_CASE_TEMPLATE("recursion in handlers comes to its end", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    int right = 0;
    check_has_moved<Kind>(test::run<Kind>([&] { right = recurse_in_handlers(500); }), 2);
    CHECK(right == 501);
}
