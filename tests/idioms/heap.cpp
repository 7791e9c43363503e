// The address of a local goes into a block in the heap, and a variable of the same function points to that block.
#include "idioms.hpp"

#include <algorithm>
#include <any>
#include <deque>
#include <functional>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <sys/mman.h>
#include <csetjmp>
#include <cstdlib>
#include <cstring>

namespace {

struct box {
    int* to;
};

/// How many elements a container has by walking over it; a damaged one may go round in circles, so this stops.
template <class Container>
std::size_t walk(const Container& container) {
    std::size_t n = 0;
    for (auto at = container.begin(); at != container.end() && n < 1000; ++at) ++n;
    return n;
}

} // namespace

IDIOM(pointer_in_new_struct, heap, "a struct from `new` has a pointer to a local") {
    int local = 1;
    auto* b = new box{&local};
    show(b);
    const bool right = sees_change(local, b->to);
    delete b;
    return right;
}

IDIOM(write_through_new_struct, heap, "a result is written to a local through a struct from `new`") {
    int local = 1;
    auto b = in_heap<box>(&local);
    grow();
    *b->to = 7;
    return local == 7;
}

IDIOM(malloc_block, heap, "a block of `malloc` has a pointer to a local") {
    int local = 1;
    auto* b = static_cast<box*>(std::malloc(sizeof(box)));
    b->to = &local;
    show(b);
    const bool right = sees_change(local, b->to);
    std::free(b);
    return right;
}

IDIOM(realloc_array, heap, "an array that `realloc` lets grow has pointers to a local") {
    int local = 1;
    auto** array = static_cast<int**>(std::malloc(sizeof(int*)));
    array[0] = &local;
    array = static_cast<int**>(std::realloc(array, 100 * sizeof(int*)));
    show(array);
    const bool right = sees_change(local, array[0]);
    std::free(array);
    return right;
}

IDIOM(large_array_of_pointers, heap, "one element amid a heap array of 200 KiB points to a local") {
    int local = 1;
    auto array = std::make_unique<int*[]>(25'000);
    array[12'345] = &local;
    show(array.get());
    return sees_change(local, array[12'345]);
}

IDIOM(mapped_page, heap, "a page of `mmap` has a pointer to a local") {
    int local = 1;
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    auto* b = static_cast<box*>(page);
    b->to = &local;
    show(b);
    const bool right = sees_change(local, b->to);
    ::munmap(page, 4096);
    return right;
}

IDIOM(vector_of_pointers, heap, "a vector's elements point to a local") {
    int local = 1;
    std::vector<int*> all{&local};
    show(all.data());
    return sees_change(local, all[0]);
}

IDIOM(vector_of_references, heap, "a vector of `reference_wrapper`s refers to locals") {
    int a = 1, b = 2;
    std::vector<std::reference_wrapper<int>> all{a, b};
    show(all.data());
    grow();
    for (int& x : all) x *= 10;
    return a == 10 && b == 20;
}

IDIOM(vector_of_string_views, heap, "a vector of `string_view`s looks at a short local string") {
    std::string local = "one two";
    std::vector<std::string_view> words{{local.data(), 3}, {local.data() + 4, 3}};
    show(words.data());
    grow();
    local[0] = 'O';
    local[4] = 'T';
    return words[0] == "One" && words[1] == "Two";
}

IDIOM(vector_of_spans, heap, "a vector of `span`s looks at parts of a local array") {
    int local[8] = {};
    std::vector<std::span<int>> halves{{local, 4}, {local + 4, 4}};
    show(halves.data());
    grow();
    std::fill(halves[1].begin(), halves[1].end(), 3);
    return local[3] == 0 && local[4] == 3 && local[7] == 3;
}

IDIOM(vector_of_iterators, heap, "a vector of iterators into a local array") {
    int local[4] = {4, 3, 2, 1};
    std::vector<int*> order{local, local + 1, local + 2, local + 3};
    std::sort(order.begin(), order.end(), [](const int* a, const int* b) { return *a < *b; });
    show(order.data());
    grow();
    local[3] = 9;
    return *order[0] == 9;
}

IDIOM(deque_of_pointers, heap, "a deque's elements point to a local") {
    int local = 1;
    std::deque<int*> all(100, &local);
    show(&all);
    return sees_change(local, all[77]);
}

IDIOM(heap_of_pointers_by_priority, heap, "a priority queue has pointers to local jobs") {
    struct job {
        int priority;
        bool done = false;
    };
    job low{1}, high{2};
    const auto less = [](const job* a, const job* b) { return a->priority < b->priority; };
    std::priority_queue<job*, std::vector<job*>, decltype(less)> queue{less};
    queue.push(&low);
    queue.push(&high);
    show(&queue);
    grow();
    queue.top()->done = true;
    return high.done && !low.done;
}

IDIOM(list_local, heap, "the nodes of a local `list` point back to the list") {
    std::list<int> local{1, 2, 3};
    show(&local);
    grow();
    return walk(local) == 3;
}

IDIOM(list_as_queue, heap,
      "a local `list` loses its first node after growth: that node's neighbour is the list itself") {
    std::list<int> local{1, 2, 3};
    show(&local);
    grow();
    local.pop_front();
    return local.front() == 2;
}

IDIOM(list_splice, heap, "the nodes of one local `list` go to another") {
    std::list<int> a{1, 2, 3}, b{4};
    show(&a);
    show(&b);
    grow();
    if (walk(a) != 3 || walk(b) != 1) return false;
    a.splice(a.end(), b);
    return walk(a) == 4 && b.empty();
}

IDIOM(map_local, heap, "the root node of a local `map` points back to the map") {
    std::map<int, int> local;
    for (int i = 0; i < 10; ++i) local[i] = i * i;
    show(&local);
    grow();
    return walk(local) == 10 && local[9] == 81;
}

IDIOM(map_of_strings, heap, "a local `map` from strings to strings, filled and read") {
    std::map<std::string, std::string> local{{"one", "eins"}, {"two", "zwei"}, {"three", "drei"}};
    show(&local);
    grow();
    return walk(local) == 3 && local.at("three") == "drei";
}

IDIOM(map_as_member, heap, "a `map` is a member of a local struct") {
    struct table {
        int version = 1;
        std::map<int, int> rows;
    } local;
    local.rows = {{1, 1}, {2, 4}};
    show(&local);
    grow();
    return walk(local.rows) == 2;
}

IDIOM(set_local, heap, "the root node of a local `set` points back to the set") {
    std::set<int> local{3, 1, 2};
    show(&local);
    grow();
    return walk(local) == 3;
}

IDIOM(multimap_local, heap, "the root node of a local `multimap` points back to it") {
    std::multimap<int, int> local{{1, 1}, {1, 2}, {2, 3}};
    show(&local);
    grow();
    return walk(local) == 3;
}

IDIOM(unordered_map_local, heap, "a bucket of a local `unordered_map` points to its head, which lies in the object") {
    std::unordered_map<int, int> local;
    for (int i = 0; i < 10; ++i) local[i] = i;
    show(&local);
    grow();
    local.erase(local.begin());
    for (int i = 100; i < 110; ++i) local[i] = i;
    return walk(local) == 19;
}

IDIOM(unordered_set_local, heap, "a bucket of a local `unordered_set` points to its head, which lies in the object") {
    std::unordered_set<int> local{1, 2, 3};
    show(&local);
    grow();
    for (int i = 1; i <= 3; ++i) local.erase(i);
    return local.begin() == local.end();
}

IDIOM(back_pointer, heap, "a child in the heap points to its local parent") {
    struct parent {
        struct child {
            parent* owner;
        };
        int count = 0;
        std::unique_ptr<child> only{new child{this}};
    } local;
    show(local.only.get());
    grow();
    ++local.only->owner->count;
    return local.count == 1;
}

IDIOM(service_with_logger, heap, "a service from `make_unique` refers to a local logger") {
    struct logger {
        int lines = 0;
    };
    struct service {
        explicit service(logger& l) : log(l) {}
        void serve() { ++log.lines; }
        logger& log;
    };
    logger log;
    auto s = in_heap<service>(log);
    grow();
    s->serve();
    return log.lines == 1;
}

IDIOM(shared_state, heap, "a struct from `make_shared` has a pointer to a local") {
    int local = 1;
    auto state = std::make_shared<box>(box{&local});
    auto copy = state;
    show(copy.get());
    return sees_change(local, copy->to);
}

IDIOM(shared_ptr_deleter, heap, "the deleter of a `shared_ptr` counts in a local") {
    int deleted = 0;
    {
        std::shared_ptr<int> p{new int{1}, [&deleted](int* x) {
                                   ++deleted;
                                   delete x;
                               }};
        show(p.get());
        grow();
    }
    return deleted == 1;
}

IDIOM(function_large_capture, heap, "a `std::function` with captures too large to lie in it refers to locals") {
    int a = 1, b = 2, c = 3, d = 4;
    std::function<void()> f = [&] { a = b + c + d; };
    show(&f);
    grow();
    b = 10;
    f();
    return a == 17;
}

IDIOM(function_recursive, heap, "a recursive `std::function` captures itself and three locals") {
    int calls = 0, limit = 5, step = 1;
    std::function<int(int)> f = [&](int n) {
        ++calls;
        grow();
        return n >= limit ? n : f(n + step);
    };
    return f(0) == 5 && calls == 6;
}

IDIOM(vector_of_functions, heap, "a vector of `std::function`s refers to a local") {
    int sum = 0;
    std::vector<std::function<void()>> steps;
    for (int i = 1; i <= 3; ++i) steps.emplace_back([&sum, i] { sum += i; });
    show(steps.data());
    grow();
    for (auto& step : steps) step();
    return sum == 6;
}

IDIOM(subject_and_observer, heap, "a subject in the heap has a pointer to a local observer") {
    struct observer {
        int seen = 0;
    };
    struct subject {
        std::vector<observer*> observers;
        void notify() {
            for (observer* o : observers) ++o->seen;
        }
    };
    observer local;
    subject s;
    s.observers.push_back(&local);
    show(s.observers.data());
    grow();
    s.notify();
    return local.seen == 1;
}

IDIOM(write_function_and_user_data, heap, "a handle in the heap has a callback and a `void*` to a local, as of curl") {
    struct handle {
        void (*write)(const char*, void*) = nullptr;
        void* user = nullptr;
    };
    std::string local;
    auto h = in_heap<handle>();
    h->write = [](const char* text, void* user) { *static_cast<std::string*>(user) += text; };
    h->user = &local;
    show(h.get());
    grow();
    h->write("ab", h->user);
    return local == "ab";
}

IDIOM(stream_with_buffers, heap, "a codec in the heap reads from and writes to local buffers, as of zlib") {
    struct codec {
        const char* next_in;
        char* next_out;
    };
    char in[] = "abc", out[4] = {};
    auto c = in_heap<codec>(in, out);
    grow();
    in[0] = 'x';
    for (int i = 0; i < 3; ++i) *c->next_out++ = *c->next_in++;
    return std::string{out} == "xbc";
}

IDIOM(list_in_the_style_of_c, heap, "heap nodes of a doubly linked ring point to its local head") {
    struct node {
        node *next, *previous;
    };
    node head{&head, &head};
    auto first = in_heap<node>(&head, &head);
    head.next = head.previous = first.get();
    show(first.get());
    grow();
    first->next->previous = first->previous; // takes the node out
    first->previous->next = first->next;
    return head.next == &head && head.previous == &head;
}

IDIOM(sentinel_at_the_end, heap, "the last heap node of a list points to a local sentinel") {
    struct node {
        node* next;
    };
    node end{nullptr};
    auto last = in_heap<node>(&end);
    auto first = in_heap<node>(last.get());
    grow();
    int n = 0;
    for (node* at = first.get(); at != &end && n < 10; at = at->next) ++n;
    return n == 2;
}

IDIOM(tree_with_local_root, heap, "heap nodes of a tree point to their parent, a local root") {
    struct node {
        node* parent = nullptr;
        int weight = 0;
        std::unique_ptr<node> left{}, right{};
    };
    node root;
    root.left = in_heap<node>(&root, 1);
    root.right = in_heap<node>(&root, 2);
    show(root.left.get());
    show(root.right.get());
    grow();
    for (node* n : {root.left.get(), root.right.get()}) n->parent->weight += n->weight;
    return root.weight == 3;
}

IDIOM(own_arena, heap, "an object that a local arena made in its heap block points to a local") {
    struct arena {
        std::unique_ptr<std::byte[]> block{new std::byte[1024]};
        std::size_t used = 0;
        box* make(int* to) { return new (&block[std::exchange(used, used + sizeof(box))]) box{to}; }
    } memory;
    int local = 1;
    box* b = memory.make(&local);
    show(b);
    return sees_change(local, b->to);
}

IDIOM(allocator_with_state, heap, "a copy of an allocator, in the heap, counts in a local") {
    struct counter {
        int blocks = 0;
    };
    struct allocator {
        counter* count;
        int* get() const {
            ++count->blocks;
            return new int{};
        }
    };
    counter count;
    std::vector<allocator> copies(3, allocator{&count});
    show(copies.data());
    grow();
    delete copies[2].get();
    return count.blocks == 1;
}

IDIOM(event_loop, heap, "a queue of an event loop has a callback that refers to locals") {
    std::deque<std::function<void()>> queue;
    int first = 0, second = 0, third = 0;
    queue.emplace_back([&] { first = second = third = 1; });
    show(&queue);
    grow();
    while (!queue.empty()) {
        queue.front()();
        queue.pop_front();
    }
    return first + second + third == 3;
}

IDIOM(state_machine, heap, "a state machine in the heap points to its local current state") {
    struct state {
        int entered = 0;
    };
    struct machine {
        state* current;
    };
    state idle, busy;
    auto m = in_heap<machine>(&idle);
    grow();
    if (m->current != &idle) return false;
    m->current = &busy;
    ++m->current->entered;
    return busy.entered == 1;
}

IDIOM(builder_with_output, heap, "a builder in the heap appends to a local string") {
    struct builder {
        std::string& out;
        builder& add(std::string_view text) { return out += text, *this; }
    };
    std::string local;
    auto b = in_heap<builder>(local);
    grow();
    b->add("ab").add("cd");
    return local == "abcd";
}

IDIOM(visitor_with_result, heap, "a polymorphic visitor in the heap counts in a local") {
    struct visitor {
        virtual ~visitor() = default;
        virtual void visit(int x) = 0;
    };
    struct summing final : visitor {
        explicit summing(int& s) : sum(s) {}
        void visit(int x) override { sum += x; }
        int& sum;
    };
    int sum = 0;
    std::unique_ptr<visitor> v = std::make_unique<summing>(sum);
    show(v.get());
    for (int i = 1; i <= 3; ++i) {
        grow();
        v->visit(i);
    }
    return sum == 6;
}

IDIOM(any_and_variant_in_vector, heap, "`any` and `variant` in a vector have a pointer to a local") {
    int local = 1;
    std::vector<std::any> anys{&local};
    std::vector<std::variant<int, int*>> variants{&local};
    show(anys.data());
    show(variants.data());
    grow();
    local = 5;
    return *std::any_cast<int*>(anys[0]) == 5 && *std::get<int*>(variants[0]) == 5;
}

IDIOM(optional_in_heap, heap, "an `optional` pointer in the heap points to a local") {
    int local = 1;
    auto maybe = in_heap<std::optional<int*>>(&local);
    return sees_change(local, **maybe);
}

IDIOM(parameter_by_value, heap, "a heap block points to a parameter that was passed by value") {
    struct large {
        int values[20] = {};
    };
    struct user {
        [[gnu::noinline]] static bool use(large parameter) {
            auto b = in_heap<box>(&parameter.values[10]);
            show(b.get());
            return sees_change(parameter.values[10], b->to);
        }
    };
    return user::use({});
}

IDIOM(result_in_the_callers_frame, heap,
      "a constructor gives `this`, in the frame of the function's caller, to a block") {
    struct listed {
        explicit listed(std::vector<listed*>& list) {
            list.push_back(this);
            grow();
        }
        listed(const listed&) = delete; // so it is made where the caller wants it
    };
    struct maker {
        [[gnu::noinline]] static listed make(std::vector<listed*>& list) { return listed{list}; }
    };
    std::vector<listed*> list;
    const listed local = maker::make(list);
    show(list.data());
    grow();
    return list[0] == &local;
}

IDIOM(temporary_with_longer_life, heap, "a heap block points to a temporary that a reference keeps alive") {
    const int& local = std::strlen("four");
    auto b = in_heap<const int*>(&local);
    grow();
    return *b == &local && **b == 4;
}

IDIOM(recursion_with_path, heap, "each frame of a recursion pushes the address of its local to a common vector") {
    struct walker {
        std::vector<int*> path;
        bool down(int n) {
            int here = n;
            path.push_back(&here);
            show(path.data());
            if (n == 0) grow();
            const bool below = n == 0 || down(n - 1);
            here += 100;
            const bool right = below && *path.back() == here && path.back() == &here;
            path.pop_back();
            return right;
        }
    };
    return walker{}.down(8);
}

IDIOM(scope_stack, heap, "a compiler's chain of scopes: the innermost local scope is known to an object in the heap") {
    struct scope {
        scope* outer;
        int names = 0;
    };
    struct compiler {
        scope* innermost = nullptr;
    };
    auto c = in_heap<compiler>();
    scope outer{c->innermost};
    c->innermost = &outer;
    scope inner{c->innermost};
    c->innermost = &inner;
    grow();
    for (scope* s = c->innermost; s; s = s->outer) ++s->names;
    return inner.names == 1 && outer.names == 1;
}

IDIOM(small_parameter, heap, "a heap block points to a parameter that came in a register") {
    struct user {
        [[gnu::noinline]] static bool use(int parameter) {
            auto b = in_heap<box>(&parameter);
            return sees_change(parameter, b->to);
        }
    };
    return user::use(1);
}

IDIOM(list_of_initializers, heap, "an `initializer_list` in the heap points to its numbers, which lie on the stack") {
    int first = 1;
    show(&first);
    const std::initializer_list<int> local{first, 2, 3};
    auto kept = std::make_unique<std::initializer_list<int>>();
    *kept = local;
    show(kept.get());
    grow();
    return kept->begin() == local.begin() && *kept->begin() == 1;
}

IDIOM(longjmp_to_heap_buffer, heap, "an error handler in the heap has a `jmp_buf`, as of libpng") {
    struct handler {
        std::jmp_buf buffer;
        [[noreturn, gnu::noinline]] static void fail(handler& h) {
            grow();
            std::longjmp(h.buffer, 1);
        }
    };
    auto h = std::make_unique<handler>();
    show(h.get());
    volatile int attempts = 0;
    if (setjmp(h->buffer) == 0) {
        attempts = 1;
        handler::fail(*h);
    }
    return attempts == 1;
}
