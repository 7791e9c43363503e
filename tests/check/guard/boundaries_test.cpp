// Code without checks at every remaining stack size: from each place, in steps of 16 bytes, it runs out of the stack's
// memory, or of the growth room, at another instruction.
#include "grow.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iomanip>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

using guard::boundary;
using guard::check_at_boundaries;

int destroyed = 0;

struct counted {
    ~counted() { ++destroyed; }
};

[[gnu::noinline]] void throw_through_a_local() {
    counted local;
    guard::opaque(&local);
    throw 42;
}

bool throws_and_catches() {
    const int before = destroyed;
    std::string kept = "kept in place";
    try {
        throw_through_a_local();
    } catch (int value) {
        return value == 42 && destroyed == before + 1 && kept == "kept in place";
    }
    return false;
}

[[gnu::noinline]] long sum_of(int count, ...) {
    std::va_list list;
    va_start(list, count);
    long sum = 0;
    for (int i = 0; i < count; ++i) sum += i % 2 ? static_cast<long>(va_arg(list, double)) : va_arg(list, long);
    va_end(list);
    return sum;
}

struct shape {
    virtual ~shape() = default;
    virtual double area(double scale) const = 0;
};
struct square final : shape {
    double side = 3;
    [[gnu::noinline]] double area(double scale) const override {
        double parts[64];
        guard::opaque(parts);
        for (int i = 0; i < 64; ++i) parts[i] = side * scale / 64;
        double sum = 0;
        for (double p : parts) sum += p;
        return sum * side;
    }
};

std::vector<std::string> shuffled_strings() {
    std::vector<std::string> strings;
    for (unsigned i = 0; i < 60; ++i) strings.push_back("s" + std::to_string(i * 7919u % 61u));
    return strings;
}

extern "C" int compare_ints(const void* a, const void* b) {
    volatile char room[200];
    guard::opaque(room);
    return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

// The pointers into the local array live in registers and on the stack while the library's functions run.
[[gnu::noinline]] bool edits_local_strings() {
    char text[1500], copy[1500];
    std::memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    std::memcpy(copy, text, sizeof copy);
    std::memmove(copy + 3, copy, 1000);
    char* const end = std::strchr(text, 0);
    text[700] = 'b';
    return std::strlen(text) == sizeof text - 1 && end == text + sizeof text - 1 &&
           std::strchr(text, 'b') == text + 700 && std::strstr(text, "ba") == text + 700 &&
           std::strcmp(copy, text) < 0 && std::memchr(text, 'b', sizeof text) == text + 700 &&
           std::strcpy(copy, text) == copy && std::strncmp(copy, text, sizeof copy) == 0;
}

} // namespace

TEST_CASE("a throw is caught at every place above the memory's end, and locals are destroyed once") {
    CHECK(guard::is_right_at(boundary::memory, throws_and_catches));
}

TEST_CASE("a throw is caught at every place above the room's end, and locals are destroyed once") {
    CHECK(guard::is_right_in_child([] { return guard::is_right_at(boundary::room, throws_and_catches); }));
}

TEST_CASE("snprintf runs at every place of a stack") {
    check_at_boundaries([] {
        char text[64];
        const int length = std::snprintf(text, sizeof text, "%f %s %d", 1234.5, "and", -6);
        return length == 18 && std::strcmp(text, "1234.500000 and -6") == 0;
    });
}

TEST_CASE("an ostringstream runs at every place of a stack") {
    check_at_boundaries([] {
        std::ostringstream out;
        out << std::setprecision(12) << 0.1 << ' ' << 7;
        return out.str() == "0.1 7";
    });
}

TEST_CASE("std::sort of strings runs at every place of a stack") {
    const auto unsorted = shuffled_strings();
    auto expected = unsorted;
    std::sort(expected.begin(), expected.end());
    check_at_boundaries([&] {
        auto strings = unsorted;
        std::sort(strings.begin(), strings.end(), [](const std::string& a, const std::string& b) {
            volatile char room[300];
            guard::opaque(room);
            return a < b;
        });
        return strings == expected;
    });
}

TEST_CASE("std::sort of strings on the stack itself runs at every place") {
    check_at_boundaries([] {
        std::string strings[40];
        for (unsigned i = 0; i < 40; ++i) strings[i] = "s" + std::to_string(i * 17u % 41u);
        std::sort(std::begin(strings), std::end(strings), [](const std::string& a, const std::string& b) {
            volatile char room[300];
            guard::opaque(room);
            return a < b;
        });
        return std::is_sorted(std::begin(strings), std::end(strings));
    });
}

TEST_CASE("qsort and bsearch with a callback run at every place of a stack") {
    check_at_boundaries([] {
        int numbers[200];
        for (int i = 0; i < 200; ++i) numbers[i] = i * 7919 % 200;
        std::qsort(numbers, 200, sizeof(int), compare_ints);
        const int wanted = 137;
        const auto* found = static_cast<const int*>(std::bsearch(&wanted, numbers, 200, sizeof(int), compare_ints));
        return std::is_sorted(numbers, numbers + 200) && found && *found == 137;
    });
}

TEST_CASE("string functions on local arrays run at every place of a stack") {
    check_at_boundaries(edits_local_strings);
}

TEST_CASE("variadic functions run at every place of a stack") {
    check_at_boundaries([] { return sum_of(8, 1L, 2.0, 3L, 4.0, 5L, 6.0, 7L, 8.0) == 36; });
}

TEST_CASE("std::function, virtual calls and smart pointers run at every place of a stack") {
    const std::unique_ptr<shape> s = std::make_unique<square>();
    check_at_boundaries([&] {
        double scale = 2;
        const std::function<double()> f = [&scale, &s] { return s->area(scale); };
        return f() == 18;
    });
}
