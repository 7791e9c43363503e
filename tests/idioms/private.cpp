// The address of a local stays on the stack: in a register, in another local, in a callee. A moving stack takes such
// addresses with it, so these are right on every build.
#include "idioms.hpp"

#include <growstack/coroutine.hpp>

#include <algorithm>
#include <any>
#include <array>
#include <atomic>
#include <bitset>
#include <charconv>
#include <deque>
#include <forward_list>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <queue>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include <alloca.h>
#include <csetjmp>
#include <cstdlib>
#include <cstring>

namespace {

[[gnu::noinline]] void write_after_growth(int& out, int value) {
    grow();
    out = value;
}

/// A frame that knows the frame of its caller, as of an interpreter.
struct frame {
    const frame* caller;
    int level;
};

[[gnu::noinline]] int depth_of(const frame& innermost) {
    grow();
    int n = 0;
    for (const frame* f = &innermost; f; f = f->caller) ++n;
    return n;
}

[[gnu::noinline]] int descend(const frame* caller, int level) {
    const frame here{caller, level};
    return level == 0 ? depth_of(here) : descend(&here, level - 1);
}

} // namespace

IDIOM(reference_to_local, private_, "a reference to a local, in the same function") {
    int local = 1;
    int& r = local;
    show(&r);
    grow();
    r = 5;
    return local == 5;
}

IDIOM(pointer_to_pointer, private_, "a local pointer to a local pointer to a local") {
    int local = 1;
    int* p = &local;
    int** pp = &p;
    show(pp);
    grow();
    **pp = 5;
    return local == 5;
}

IDIOM(output_parameter, private_, "a callee grows the stack, then writes to its caller's local") {
    int local = 1;
    write_after_growth(local, 5);
    return local == 5;
}

IDIOM(output_through_many_frames, private_, "a reference goes down a recursion, and the deepest frame writes") {
    struct walker {
        static void down(int n, int& out) { n ? down(n - 1, out) : write_after_growth(out, 9); }
    };
    int local = 1;
    walker::down(20, local);
    return local == 9;
}

IDIOM(frames_know_their_callers, private_, "each frame of a recursion points to a local of its caller") {
    return descend(nullptr, 30) == 31;
}

IDIOM(struct_that_points_into_itself, private_, "a local struct has a pointer to its own buffer") {
    struct small_vector {
        int inside[4] = {1, 2, 3, 4};
        int* begin = inside;
        int* end = inside + 4;
    } local;
    show(&local);
    grow();
    *local.begin = 10;
    return std::accumulate(local.begin, local.end, 0) == 19 && local.begin == local.inside;
}

IDIOM(struct_with_reference, private_, "a local struct refers to another local") {
    struct view {
        int& of;
    };
    int local = 1;
    const view v{local};
    show(&v);
    grow();
    v.of = 3;
    return local == 3;
}

IDIOM(two_locals_that_know_each_other, private_, "two locals have pointers to each other") {
    struct half {
        half* other = nullptr;
        int value = 0;
    } a, b;
    a.other = &b;
    b.other = &a;
    show(&a);
    grow();
    a.other->value = 2;
    b.other->value = 1;
    return a.value == 1 && b.value == 2 && a.other->other == &a;
}

IDIOM(ring_of_local_nodes, private_, "a doubly linked ring whose nodes are all locals") {
    struct node {
        node *next, *previous;
    } a, b, c;
    a = {&b, &c};
    b = {&c, &a};
    c = {&a, &b};
    show(&a);
    grow();
    return a.next->next->next == &a && a.previous->previous->previous == &a;
}

IDIOM(large_local_array, private_, "a local array of 16 KiB and a pointer into its midst") {
    std::array<int, 4096> local{};
    int* middle = &local[2048];
    show(middle);
    grow();
    *middle = 7;
    return local[2048] == 7 && std::accumulate(local.begin(), local.end(), 0) == 7;
}

IDIOM(array_of_arrays, private_, "a local array of rows, and local pointers to the rows") {
    int rows[8][8] = {};
    int* row[8];
    for (int i = 0; i < 8; ++i) row[i] = rows[i];
    show(row);
    grow();
    for (int i = 0; i < 8; ++i) row[i][i] = 1;
    int trace = 0;
    for (int i = 0; i < 8; ++i) trace += rows[i][i];
    return trace == 8;
}

IDIOM(alloca_block, private_, "a block of `alloca`") {
    auto* block = static_cast<int*>(alloca(100 * sizeof(int)));
    for (int i = 0; i < 100; ++i) block[i] = i;
    show(block);
    grow();
    return std::accumulate(block, block + 100, 0) == 4950;
}

IDIOM(span_and_string_view, private_, "a local `span` and `string_view` look at local arrays") {
    int numbers[] = {1, 2, 3};
    char text[] = "abc";
    const std::span<int> s{numbers};
    const std::string_view v{text};
    show(&s);
    show(&v);
    grow();
    numbers[2] = 30;
    text[0] = 'x';
    return s[2] == 30 && v == "xbc";
}

IDIOM(string_short, private_, "a short `string` points into itself") {
    std::string local = "short";
    show(&local);
    grow();
    local += "er";
    return local == "shorter";
}

IDIOM(string_long, private_, "a long `string` points to the heap only") {
    std::string local(100, 'x');
    show(&local);
    grow();
    local += "y";
    return local.size() == 101 && local.back() == 'y';
}

IDIOM(vector_of_strings, private_, "a `vector` of short strings: the heap points to the heap") {
    std::vector<std::string> local{"a", "b"};
    show(&local);
    grow();
    local.push_back("c");
    return local.size() == 3 && local[0] == "a" && local[2] == "c";
}

IDIOM(deque_local, private_, "a local `deque`: the heap does not point back") {
    std::deque<int> local{1, 2, 3};
    show(&local);
    grow();
    local.push_front(0);
    local.push_back(4);
    return std::accumulate(local.begin(), local.end(), 0) == 10;
}

IDIOM(forward_list_local, private_, "a local `forward_list`: its nodes do not point back") {
    std::forward_list<int> local{1, 2, 3};
    show(&local);
    grow();
    local.push_front(0);
    return std::accumulate(local.begin(), local.end(), 0) == 6;
}

IDIOM(map_filled_after_growth, private_, "a local `map` that is empty while the stack grows") {
    std::map<int, int> local;
    grow();
    for (int i = 0; i < 100; ++i) local[i] = i;
    int sum = 0;
    for (const auto& [key, value] : local) sum += value;
    return sum == 4950;
}

IDIOM(map_in_heap, private_, "a `map` that is not a local itself: the remedy for `map_local`") {
    auto table = in_heap<std::map<int, int>>();
    for (int i = 0; i < 10; ++i) (*table)[i] = i;
    grow();
    int sum = 0;
    for (const auto& [key, value] : *table) sum += value;
    return sum == 45;
}

IDIOM(priority_queue_local, private_, "a local `priority_queue` of numbers") {
    std::priority_queue<int> local;
    for (int i = 0; i < 10; ++i) local.push(i);
    show(&local);
    grow();
    return local.top() == 9;
}

IDIOM(smart_pointers, private_, "local `unique_ptr` and `shared_ptr`: the heap does not point back") {
    auto one = std::make_unique<int>(1);
    auto shared = std::make_shared<int>(2);
    std::weak_ptr<int> weak = shared;
    show(&one);
    show(&weak);
    grow();
    return *one == 1 && weak.lock() == shared && *shared == 2;
}

IDIOM(optional_variant_any, private_, "local `optional`, `variant` and `any` hold pointers to a local") {
    int local = 1;
    std::optional<int*> maybe = &local;
    std::variant<int, int*> either = &local;
    std::any anything = &local;
    show(&maybe);
    show(&either);
    show(&anything);
    grow();
    local = 5;
    return **maybe == 5 && *std::get<int*>(either) == 5 && *std::any_cast<int*>(anything) == 5;
}

IDIOM(tuple_of_references, private_, "a local `tie` of locals") {
    int a = 1, b = 2;
    auto both = std::tie(a, b);
    show(&both);
    grow();
    both = std::tuple{3, 4};
    return a == 3 && b == 4;
}

IDIOM(lambda_by_reference, private_, "a local lambda captures locals by reference") {
    int sum = 0, factor = 2;
    const auto add = [&](int x) { sum += factor * x; };
    show(&add);
    for (int i = 1; i <= 3; ++i) {
        grow();
        add(i);
    }
    return sum == 12;
}

IDIOM(function_small_capture, private_, "a local `std::function` whose captures lie in itself") {
    int sum = 0;
    std::function<void(int)> add = [&sum](int x) { sum += x; };
    show(&add);
    grow();
    add(3);
    return sum == 3;
}

IDIOM(callback_with_context, private_, "a callee gets a function and a `void*` to a local") {
    struct user {
        [[gnu::noinline]] static void each(void (*f)(int, void*), void* context) {
            for (int i = 1; i <= 3; ++i) {
                grow();
                f(i, context);
            }
        }
    };
    int sum = 0;
    user::each([](int x, void* context) { *static_cast<int*>(context) += x; }, &sum);
    return sum == 6;
}

IDIOM(sort_with_comparator, private_, "a comparator that grows the stack counts in a local") {
    int values[] = {3, 1, 2};
    int compared = 0;
    std::sort(values, values + 3, [&](int a, int b) {
        grow();
        ++compared;
        return a < b;
    });
    return std::is_sorted(values, values + 3) && compared > 0;
}

IDIOM(qsort_of_small_elements, private_, "`qsort` of a local array, whose comparator grows the stack") {
    int values[] = {5, 3, 1, 2, 4};
    std::qsort(values, 5, sizeof(int), [](const void* a, const void* b) {
        grow();
        return *static_cast<const int*>(a) - *static_cast<const int*>(b);
    });
    return std::is_sorted(values, values + 5);
}

IDIOM(virtual_call, private_, "a base class pointer to a local object") {
    struct shape {
        virtual ~shape() = default;
        virtual int area() const = 0;
    };
    struct square final : shape {
        explicit square(const int& s) : side(s) {}
        int area() const override {
            grow();
            return side * side;
        }
        const int& side;
    };
    int side = 2;
    const square local{side};
    const shape* s = &local;
    show(s);
    side = 3;
    return s->area() == 9;
}

IDIOM(scope_guard, private_, "a destructor writes to a local of the enclosing block") {
    struct guard {
        int& to;
        ~guard() { to = 1; }
    };
    int local = 0;
    {
        const guard g{local};
        show(&g);
        grow();
    }
    return local == 1;
}

IDIOM(difference_of_addresses, private_, "an index from two pointers into a local array") {
    int local[100] = {};
    int* found = &local[42];
    show(&found);
    grow();
    return found - local == 42;
}

IDIOM(mutex_held_over_growth, private_, "a local mutex is locked while the stack grows") {
    std::mutex local;
    bool is_free = true;
    {
        const std::lock_guard lock{local};
        grow();
    }
    if ((is_free = local.try_lock())) local.unlock();
    return is_free;
}

IDIOM(atomic_local, private_, "a local atomic, counted up by a callee") {
    std::atomic<int> local{0};
    const auto count = [](std::atomic<int>& a) {
        grow();
        ++a;
    };
    count(local);
    count(local);
    return local == 2;
}

IDIOM(bitset_local, private_, "a local `bitset` and a reference to one of its bits") {
    std::bitset<100> local;
    auto bit = local[77];
    show(&bit);
    grow();
    bit = true;
    return local.count() == 1 && local.test(77);
}

IDIOM(text_to_numbers_and_back, private_, "`to_chars` writes into a local buffer, and a pointer to its end is kept") {
    char buffer[32];
    const auto written = std::to_chars(buffer, buffer + sizeof buffer, 12345);
    show(buffer);
    grow();
    int value = 0;
    const auto read = std::from_chars(buffer, written.ptr, value);
    return value == 12345 && read.ptr == written.ptr;
}

IDIOM(string_streams, private_, "local string streams, which have their buffers in themselves") {
    std::ostringstream out;
    out << "a " << 12 << ' ';
    std::istringstream in{"7 8"};
    int first = 0, second = 0;
    in >> first;
    show(&out);
    show(&in);
    grow();
    out << first;
    in >> second;
    return out.str() == "a 12 7" && second == 8;
}

IDIOM(strtok_with_state, private_, "`strtok_r` keeps its place in a local pointer") {
    char text[] = "a,b,c";
    char* state = nullptr;
    int parts = 0;
    for (char* part = ::strtok_r(text, ",", &state); part; part = ::strtok_r(nullptr, ",", &state)) {
        grow();
        parts += *part == 'a' + parts;
    }
    return parts == 3;
}

IDIOM(longjmp_to_a_local_buffer, private_, "`longjmp` out of a deep call to a `jmp_buf` on the stack") {
    struct jumper {
        [[noreturn, gnu::noinline]] static void away(std::jmp_buf& to) {
            grow();
            std::longjmp(to, 1);
        }
    };
    std::jmp_buf local;
    volatile int attempts = 0;
    if (setjmp(local) == 0) {
        attempts = 1;
        jumper::away(local);
    }
    return attempts == 1;
}

IDIOM(one_byte_after_the_end, private_, "a pointer to the end of a local array, which ends a loop") {
    char local[64];
    char* const end = local + sizeof local;
    show(end);
    grow();
    int n = 0;
    for (char* at = local; at != end; ++at) ++n;
    return n == 64;
}

IDIOM(inner_coroutine, private_, "a growstack coroutine that was made on this stack captures a local by reference") {
    int local = 0;
    growstack::coroutine<> inner{[&local] {
        local += 1;
        growstack::this_coroutine::yield();
        grow();
        local += 10;
    }};
    inner.resume();
    grow();
    inner.resume();
    return local == 11 && inner.done();
}

IDIOM(many_longjmps, private_, "a thousand jumps out of ten frames that have 2 KiB of buffers each") {
    struct jumper {
        [[gnu::noinline]] static void jump(std::jmp_buf& to, bool jumps = true) {
            if (jumps) std::longjmp(to, 1);
        }
        [[gnu::noinline]] static void down(int n, std::jmp_buf& to) {
            char room[2048] = {};
            show(room);
            n > 0 ? down(n - 1, to) : jump(to);
            show(room);
        }
    };
    std::jmp_buf local;
    volatile int jumps = 0;
    if (setjmp(local) != 0) jumps = jumps + 1;
    if (jumps < 1000) jumper::down(10, local);
    grow();
    return jumps == 1000;
}
