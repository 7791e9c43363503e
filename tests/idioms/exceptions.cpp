// The address of a local goes into an exception, which lies in the heap, or grows the stack while one is in flight.
#include "idioms.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// An error that says which variable is wrong.
struct bad_variable {
    int* which;
};

struct bad_text final : std::exception {
    explicit bad_text(std::string_view t) : text(t) {}
    std::string_view text;
};

[[gnu::noinline]] void throw_about(int& variable, bool throws = true) {
    if (throws) throw bad_variable{&variable};
}

[[gnu::noinline]] void throw_after_growth(int& variable, bool throws = true) {
    grow();
    if (throws) throw bad_variable{&variable};
}

/// Grows the stack in its destructor, and then writes to somebody's local.
struct growing_guard {
    int& to;
    ~growing_guard() {
        grow();
        ++to;
    }
};

} // namespace

IDIOM(exception_points_to_local, exception,
      "an exception has a pointer to a local, and its handler lets the stack grow") {
    int local = 1;
    try {
        throw_about(local);
    } catch (const bad_variable& e) {
        grow();
        *e.which = 5;
    }
    return local == 5;
}

IDIOM(exception_by_value, exception, "a handler has a copy of the exception on the stack, with a pointer to a local") {
    int local = 1;
    try {
        throw_about(local);
    } catch (const bad_variable e) { // NOLINT: a copy is the point
        show(&e);
        grow();
        *e.which = 5;
    }
    return local == 5;
}

IDIOM(exception_after_growth, exception,
      "an exception with a pointer to a local is thrown when the stack has grown, and used at once") {
    int local = 1;
    try {
        throw_after_growth(local);
    } catch (const bad_variable& e) {
        *e.which = 5;
    }
    return local == 5;
}

IDIOM(exception_from_far_below, exception, "an exception passes many frames, each with a local that it unwinds") {
    struct walker {
        static void down(int n, int& unwound) {
            struct guard {
                int& to;
                ~guard() { ++to; }
            } const g{unwound};
            n == 0 ? throw_after_growth(unwound) : down(n - 1, unwound);
        }
    };
    int local = 0;
    try {
        walker::down(20, local);
    } catch (const bad_variable&) {
        return local == 21;
    }
    return false;
}

IDIOM(exception_rethrown, exception, "an exception with a pointer to a local is thrown again after growth") {
    int local = 1;
    try {
        try {
            throw_about(local);
        } catch (const bad_variable&) {
            grow();
            throw;
        }
    } catch (const bad_variable& e) {
        *e.which = 5;
    }
    return local == 5;
}

IDIOM(exception_ptr_kept, exception, "an `exception_ptr` keeps an exception with a pointer to a local") {
    int local = 1;
    std::exception_ptr kept;
    try {
        throw_about(local);
    } catch (...) {
        kept = std::current_exception();
    }
    grow();
    try {
        std::rethrow_exception(kept);
    } catch (const bad_variable& e) {
        *e.which = 5;
    }
    return local == 5;
}

IDIOM(exceptions_collected, exception,
      "a vector of `exception_ptr`s, as of a pool that tells all failures at the end") {
    int locals[2] = {1, 2};
    std::vector<std::exception_ptr> failures;
    for (int& x : locals) try {
            throw_about(x);
        } catch (...) {
            failures.push_back(std::current_exception());
        }
    grow();
    for (const auto& failure : failures) try {
            std::rethrow_exception(failure);
        } catch (const bad_variable& e) {
            *e.which *= 10;
        }
    return locals[0] == 10 && locals[1] == 20;
}

IDIOM(exception_with_view, exception, "an exception has a `string_view` of a short local string") {
    std::string local = "name";
    try {
        throw bad_text{local};
    } catch (const bad_text& e) {
        grow();
        local[0] = 'N';
        return e.text == "Name";
    }
}

IDIOM(exception_with_function, exception, "an exception has a function that repairs a local") {
    struct repairable {
        std::function<void()> repair;
    };
    int a = 1, b = 2, c = 3;
    try {
        throw repairable{[&] { a = b = c = 7; }};
    } catch (repairable& e) {
        grow();
        e.repair();
    }
    return a + b + c == 21;
}

IDIOM(pointer_thrown, exception, "a pointer to a local is itself what is thrown, and thrown again after growth") {
    int local = 1;
    try {
        try {
            throw &local;
        } catch (int*) {
            grow();
            throw;
        }
    } catch (int* p) {
        *p = 5;
    }
    return local == 5;
}

IDIOM(growth_while_unwinding, exception,
      "a destructor grows the stack while an exception unwinds, and writes to a local") {
    int local = 0;
    try {
        const growing_guard outer{local};
        const growing_guard inner{local};
        throw std::runtime_error{"x"};
    } catch (const std::runtime_error&) {
        return local == 2;
    }
}

IDIOM(pointer_used_while_unwinding, exception,
      "the exception in flight points to a local, and a destructor grows the stack") {
    int local = 0;
    try {
        const growing_guard g{local};
        throw_about(local);
    } catch (const bad_variable& e) {
        *e.which += 10;
    }
    return local == 11;
}

IDIOM(nested_exceptions, exception, "an exception within an exception, both without a pointer to the stack") {
    std::string text;
    try {
        try {
            throw std::runtime_error{"inner"};
        } catch (...) {
            grow();
            std::throw_with_nested(std::runtime_error{"outer"});
        }
    } catch (const std::exception& e) {
        text = e.what();
        try {
            std::rethrow_if_nested(e);
        } catch (const std::exception& nested) {
            grow();
            text += nested.what();
        }
    }
    return text == "outerinner";
}

IDIOM(exception_while_another_is_handled, exception, "a handler throws and catches, and then uses its own exception") {
    int a = 0, b = 0;
    try {
        throw_about(a);
    } catch (const bad_variable& outer) {
        try {
            throw_after_growth(b);
        } catch (const bad_variable& inner) {
            *inner.which = 2;
        }
        *outer.which = 1;
    }
    return a == 1 && b == 2;
}

IDIOM(many_exceptions, exception, "a thousand exceptions out of ten frames that have 2 KiB of buffers each") {
    struct walker {
        [[gnu::noinline]] static void down(int n, int& variable) {
            char room[2048] = {};
            show(room);
            n > 0 ? down(n - 1, variable) : throw_about(variable);
            show(room);
        }
    };
    int local = 0;
    for (int i = 0; i < 1000; ++i) try {
            walker::down(10, local);
        } catch (const bad_variable& e) {
            ++*e.which;
        }
    grow();
    return local == 1000;
}
