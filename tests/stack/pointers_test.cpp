// Webs of pointers between frames, and ordinary code that makes them: right after any number of moves and links.
#include "../support.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace {

struct node {
    node* next;
    node** newest; // in the first frame
    long value;
};

// Stores the address of a younger frame's local in an older frame, which compilers warn of.
template <class T>
[[gnu::noinline]] void point(T** where, T* to) {
    *where = to;
    test::opaque(where);
}

// Makes a list whose nodes lie in the frames, walks it at the bottom, and takes it apart on the way back.
long walk(const node* from) {
    long sum = 0;
    for (; from; from = from->next) sum += from->value;
    return sum;
}

long list_in_frames(node* previous, node** newest, std::size_t levels) {
    node here{previous, newest, static_cast<long>(levels)};
    point(newest, &here);
    if (!levels) {
        const long sum = walk(*newest);
        point(newest, previous);
        return sum;
    }
    const long below = list_in_frames(&here, newest, levels - 1);
    if (*here.newest != &here || here.newest != newest || (previous && previous->newest != newest)) return -1;
    point(newest, previous);
    return below;
}

} // namespace

TEST_CASE_TEMPLATE("a linked list whose nodes lie in the frames stays linked", Kind, GROWSTACK_EACH_KIND) {
    const std::size_t levels = test::depth(4000);
    long sum = 0;
    test::run<Kind>([&] {
        node* newest = nullptr;
        sum = list_in_frames(nullptr, &newest, levels);
    });
    CHECK(sum == static_cast<long>(levels * (levels + 1) / 2));
}

namespace {

// A ring through the frames in both directions, each frame changing its neighbours' values through the pointers.
struct ring {
    ring* up;
    ring* down;
    long value;
};

long turn(ring* up, std::size_t levels) {
    ring here{up, nullptr, 1};
    point(&up->down, &here);
    if (!levels) {
        ring* top = up;
        while (top->up) top = top->up;
        for (ring* r = top; r; r = r->down) r->value *= 2;
        return here.value;
    }
    const long below = turn(&here, levels - 1);
    here.down = nullptr; // that frame has returned
    return below + here.value;
}

} // namespace

TEST_CASE_TEMPLATE("frames change each other's locals through pointers in both directions", Kind, GROWSTACK_EACH_KIND) {
    const std::size_t levels = test::depth(2000);
    long sum = 0, first = 0;
    test::run<Kind>([&] {
        ring top{nullptr, nullptr, 5};
        sum = turn(&top, levels);
        first = top.value;
    });
    CHECK(first == 10);
    CHECK(sum == 2 * static_cast<long>(levels + 1));
}

namespace {

// std::string keeps short text in itself and a pointer to it.
bool short_strings(std::string* above, std::size_t levels) {
    std::string here = "s" + std::to_string(levels % 1000);
    const bool was_inside = reinterpret_cast<const char*>(&here) <= here.data() &&
                            here.data() < reinterpret_cast<const char*>(&here + 1);
    bool is_right = true;
    if (levels) is_right = short_strings(&here, levels - 1);
    if (above) *above += 'x';
    const bool is_inside = reinterpret_cast<const char*>(&here) <= here.data() &&
                           here.data() < reinterpret_cast<const char*>(&here + 1);
    std::string expected = "s" + std::to_string(levels % 1000);
    if (levels) expected += 'x';
    return is_right && was_inside && is_inside && here == expected;
}

} // namespace

TEST_CASE_TEMPLATE("strings that point into themselves stay whole", Kind, GROWSTACK_EACH_KIND) {
    bool is_right = false;
    test::run<Kind>([&] { is_right = short_strings(nullptr, test::depth(2000)); });
    CHECK(is_right);
}

TEST_CASE_TEMPLATE("pointers to pointers, one past the end, to members and to the middle of arrays follow", Kind,
                   GROWSTACK_EACH_KIND) {
    struct pair_of {
        int first;
        int second;
    };
    int wrong = -1;
    test::run<Kind>([&] {
        int numbers[8] = {0, 1, 2, 3, 4, 5, 6, 7};
        int* middle = numbers + 4;
        int** to_middle = &middle;
        int*** to_to_middle = &to_middle;
        int* end = numbers + 8;
        pair_of pair{1, 2};
        int* second = &pair.second;
        int pair_of::* member = &pair_of::second;
        const std::tuple<int*, pair_of*, int**> packed{&numbers[1], &pair, &end};
        int* table[3] = {numbers, numbers + 2, &pair.first};
        const std::variant<int, int*> either = &numbers[7];
        const std::reference_wrapper<int> reference = numbers[6];
        char text[] = "abc";
        const char* odd = text + 1; // the pointer's value is odd; the word that holds it is aligned
        for (std::size_t levels = 10; levels <= test::depth(3000); levels *= 3) {
            test::at_depth(levels, [] {});
            wrong = 0;
            wrong += ***to_to_middle != 4;
            wrong += end - numbers != 8;
            wrong += second != &(pair.*member);
            wrong += *std::get<0>(packed) != 1 || std::get<1>(packed)->second != 2 || *std::get<2>(packed) != end;
            wrong += table[1][0] != 2 || table[2] != &pair.first;
            wrong += std::get<int*>(either) != &numbers[7];
            wrong += &reference.get() != &numbers[6];
            wrong += *odd != 'b';
            if (wrong) break;
        }
    });
    CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("numbers that are not pointers do not change", Kind, GROWSTACK_EACH_KIND) {
    bool is_right = false;
    test::run<Kind>([&] {
        double numbers[64];
        std::uint64_t words[64];
        for (std::size_t i = 0; i < 64; ++i)
            numbers[i] = static_cast<double>(i) * 0.1, words[i] = i * 0x0123456789abcdef;
        test::at_depth(test::depth(2000), [] {});
        is_right = true;
        for (std::size_t i = 0; i < 64; ++i)
            is_right = is_right && numbers[i] == static_cast<double>(i) * 0.1 && words[i] == i * 0x0123456789abcdef;
    });
    CHECK(is_right);
}

namespace {

[[gnu::noinline]] void leave_pointers_below() {
    void* volatile pointers[64];
    for (void* volatile& p : pointers) p = const_cast<void**>(&pointers[0]);
}

// Writes `value` to the low end of words that held pointers, uses stack, and returns how many have changed.
template <class T>
[[gnu::noinline]] int changed_over_stale_pointers(T value) {
    struct alignas(16) word {
        volatile T low;
    };
    word words[24];
    asm volatile("" : : "r"(words) : "memory"); // not initialised: what the words held stays
    for (word& w : words) w.low = value;
    test::at_depth(test::depth(1000), [] {});
    int changed = 0;
    for (word& w : words) changed += w.low != value;
    return changed;
}

} // namespace

TEST_CASE_TEMPLATE("short numbers, written over the low end of what was a pointer into the stack, do not change", Kind,
                   GROWSTACK_EACH_KIND) {
    int chars = -1, shorts = -1, bools = -1, long_doubles = -1;
    test::run<Kind>([&] { leave_pointers_below(), chars = changed_over_stale_pointers('x'); });
    test::run<Kind>([&] { leave_pointers_below(), shorts = changed_over_stale_pointers<std::uint16_t>(0x3ffd); });
    test::run<Kind>([&] { leave_pointers_below(), bools = changed_over_stale_pointers(true); });
    test::run<Kind>([&] { leave_pointers_below(), long_doubles = changed_over_stale_pointers(1 / 3.0L); });
    CHECK(chars == 0);
    CHECK(shorts == 0);
    CHECK(bools == 0);
    CHECK(long_doubles == 0);
}

TEST_CASE_TEMPLATE("std::sort with a comparator that captures locals sorts", Kind, GROWSTACK_EACH_KIND) {
    const std::size_t count = test::depth(4000);
    bool is_sorted = false;
    long comparisons = 0;
    test::run<Kind>([&] {
        std::vector<int> order(count);
        std::iota(order.begin(), order.end(), 0);
        int weight = 7919;
        long calls = 0;
        const auto key = [&](int i) { return static_cast<long>(i) * weight % 10007; };
        std::sort(order.begin(), order.end(), [&](int a, int b) {
            ++calls;
            return key(a) < key(b);
        });
        is_sorted = std::is_sorted(order.begin(), order.end(), [&](int a, int b) { return key(a) < key(b); });
        comparisons = calls;
    });
    CHECK(is_sorted);
    CHECK(comparisons > static_cast<long>(count));
}

TEST_CASE_TEMPLATE("std::sort of an array in the frame sorts, from any room that is left", Kind,
                   GROWSTACK_EACH_GROWING_KIND) {
    std::size_t right = 0, tries = 0;
    test::for_each_room([&](std::size_t room) {
        ++tries;
        test::run<Kind>([&] {
            test::with_room(room, [&] {
                std::string words[12] = {"pear",   "fig",   "apple", "plum",
                                         "quince", "kiwi",  "lime",  "date",
                                         "peach",  "melon", "grape", "a word that is longer than short"};
                std::string* last = std::end(words);
                std::sort(words, last,
                          [&](const std::string& a, const std::string& b) { return a < b || last == nullptr; });
                right += std::is_sorted(words, last) && words[0].size() == 32;
            });
        });
    });
    CHECK(right == tries);
}

TEST_CASE_TEMPLATE("std::function recursion through captured references works", Kind, GROWSTACK_EACH_KIND) {
    const long levels = static_cast<long>(test::depth(2000));
    long sum = 0, calls = 0;
    test::run<Kind>([&] {
        long count = 0;
        std::function<long(long)> add;
        add = [&add, &count](long n) -> long {
            ++count;
            return n ? n + add(n - 1) : 0;
        };
        sum = add(levels);
        calls = count;
    });
    CHECK(sum == levels * (levels + 1) / 2);
    CHECK(calls == levels + 1);
}

TEST_CASE_TEMPLATE("each frame's std::function may call the frames above", Kind, GROWSTACK_EACH_KIND) {
    struct chain {
        static long run(const std::function<long(long)>& above, std::size_t levels) {
            long local = 1;
            const std::function<long(long)> mine = [&above, &local](long n) {
                local += 1;
                return above(n + 1);
            };
            const long result = levels ? run(mine, levels - 1) : mine(0);
            return local == 2 ? result : -1000000;
        }
    };
    const std::size_t levels = test::depth(500);
    long result = 0;
    test::run<Kind>([&] { result = chain::run([](long n) { return n; }, levels); });
    CHECK(result == static_cast<long>(levels) + 1);
}

namespace {

struct shape {
    virtual ~shape() = default;
    virtual long area(std::size_t levels) const = 0;
};

struct square final : shape {
    const shape* other;
    long side;
    square(const shape* o, long s) : other{o}, side{s} {}
    long area(std::size_t levels) const override;
};

struct circle final : shape {
    const shape* other;
    explicit circle(const shape* o) : other{o} {}
    long area(std::size_t levels) const override {
        const square here{this, 2};
        return levels ? 1 + here.area(levels - 1) : other->area(0);
    }
};

long square::area(std::size_t levels) const {
    const circle here{this};
    return levels ? side + here.area(levels - 1) : side;
}

} // namespace

TEST_CASE_TEMPLATE("virtual calls through objects in the frames recurse", Kind, GROWSTACK_EACH_KIND) {
    long area = 0;
    const std::size_t levels = test::depth(2000) / 2 * 2;
    test::run<Kind>([&] {
        const square first{nullptr, 2};
        area = first.area(levels);
    });
    CHECK(area == static_cast<long>(levels / 2) * 3 + 2);
}

// Growing kinds only: a stream turns the stack_overflow of a check in code that it inlines into its badbit.
TEST_CASE_TEMPLATE("library code without checks runs within the headroom", Kind, GROWSTACK_EACH_GROWING_KIND) {
    std::size_t right = 0, tries = 0;
    test::for_each_room(
        [&](std::size_t room) {
            ++tries;
            const auto format = [&] {
                std::ostringstream out;
                out << 3.25 << ' ' << 42 << ' ' << std::string(40, 'x');
                std::map<std::string, int> words{{"b", 2}, {"a", 1}};
                words["c"] = 3;
                right += out.str().size() == 48 && words.begin()->second == 1;
            };
            test::run<Kind>([&] { test::with_room(room, format); });
        },
        1024);
    CHECK(right == tries);
}

TEST_CASE_TEMPLATE("smart pointers and containers of them in the frames are destroyed once", Kind,
                   GROWSTACK_EACH_KIND) {
    struct chain {
        static long run(const std::shared_ptr<int>& counter, std::size_t levels) {
            const std::shared_ptr<int> mine = counter;
            const std::unique_ptr<int> owned = std::make_unique<int>(1);
            std::vector<std::shared_ptr<int>> many(3, mine);
            return (levels ? run(mine, levels - 1) : mine.use_count()) + *owned - 1;
        }
    };
    const std::size_t levels = test::depth(1000);
    const auto counter = std::make_shared<int>(0);
    long most = 0;
    test::run<Kind>([&] { most = chain::run(counter, levels); });
    CHECK(most == static_cast<long>(levels + 1) * 4 + 1);
    CHECK(counter.use_count() == 1);
}

namespace {

// As Lua's luaO_utf8esc: GCC makes an address of the index, and the index again, for the caller, from half of the
// address.
int escape(char* room, unsigned long x) {
    int n = 1;
    unsigned first = 0x3f;
    do {
        room[8 - n++] = static_cast<char>(0x80 | (x & 0x3f));
        x >>= 6;
        first >>= 1;
    } while (x > first);
    room[8 - n] = static_cast<char>((~first << 1) | x);
    return n;
}

[[gnu::noinline]] void grow(const char* text, int n) {
    char large[20000];
    asm volatile("" : : "r"(large), "r"(text), "r"(n) : "memory");
}

[[gnu::noinline]] int escape_all(const unsigned long* x, int count) {
    char room[8];
    int sum = 0;
    for (int i = 0; i < count; ++i) {
        grow(room, i);
        const int n = escape(room, x[i]);
        grow(room + 8 - n, n);
        sum += n;
    }
    return sum;
}

} // namespace

namespace {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvla"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wvla-extension"
#endif

// GCC rounds the address of a variable array by two shifts, and may keep what is between them.
template <class T>
[[gnu::noinline]] long sum_of_variable_array(int n) {
    T a[n];
    a[0] = 2;
    for (int i = 0; i < 2; ++i) {
        grow(nullptr, i);
        a[1] = static_cast<T>(a[0] + i);
        grow(reinterpret_cast<const char*>(&a[i]), n);
    }
    T* const copy[2] = {a, a + 1};
    grow(reinterpret_cast<const char*>(copy), n);
    return a[0] + a[1];
}

#pragma GCC diagnostic pop

} // namespace

TEST_CASE_TEMPLATE("variable arrays of every element size move with their stack", Kind, GROWSTACK_EACH_KIND) {
    long sums[4] = {};
    test::run<Kind>([&] {
        sums[0] = sum_of_variable_array<char>(10);
        sums[1] = sum_of_variable_array<short>(10);
        sums[2] = sum_of_variable_array<int>(10);
        sums[3] = sum_of_variable_array<long>(10);
    });
    for (const long sum : sums) CHECK(sum == 5);
}

TEST_CASE_TEMPLATE("no number is computed from half of an address that has moved", Kind, GROWSTACK_EACH_KIND) {
    const unsigned long x[] = {0xe4, 0x20ac, 0x1f600};
    int sum = 0;
    test::run<Kind>([&] { sum = escape_all(x, 3); });
    CHECK(sum == 9);
}
