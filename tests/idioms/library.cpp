// The C++ or the C library keeps the address of a local behind the scenes: in a thread-local variable, a shared state,
// a stream, a table of its own.
#include "idioms.hpp"

#include <algorithm>
#include <functional>
#include <future>
#include <iostream>
#include <iterator>
#include <locale>
#include <memory_resource>
#include <mutex>
#include <random>
#include <regex>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include <getopt.h>
#include <search.h>
#include <sys/types.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

struct file {
    std::FILE* f;
    explicit file(std::FILE* opened) : f(opened) {
        if (!f) give_up();
    }
    ~file() {
        if (f) std::fclose(f);
    }
    file(const file&) = delete;
};

/// A memory resource that counts, and takes from the heap.
struct counting_resource final : std::pmr::memory_resource {
    int blocks = 0;

private:
    void* do_allocate(std::size_t bytes, std::size_t) override {
        ++blocks;
        return std::malloc(bytes);
    }
    void do_deallocate(void* block, std::size_t, std::size_t) override {
        --blocks;
        std::free(block);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

/// More than glibc sorts in place: it makes an array of pointers to the elements.
struct large_element {
    int key;
    char rest[60];
};

int by_text(const void* a, const void* b) {
    return std::strcmp(static_cast<const char*>(a), static_cast<const char*>(b));
}

} // namespace

IDIOM(call_once, library, "`call_once` passes its function, a local, to the C library by a thread-local variable") {
    static std::once_flag flag;
    int local = 0;
    std::call_once(flag, [&local] {
        grow();
        ++local;
    });
    std::call_once(flag, [&local] { local += 10; });
    return local == 1;
}

IDIOM(deferred_task, library, "the shared state of `async(deferred)` has a function that refers to a local") {
    int local = 1;
    auto f = std::async(std::launch::deferred, [&local] { return local; });
    grow();
    local = 42;
    return f.get() == 42;
}

IDIOM(packaged_task, library, "the shared state of a `packaged_task` has a function that refers to a local") {
    int local = 1;
    std::packaged_task<int()> task{[&local] { return local; }};
    auto f = task.get_future();
    show(&task);
    grow();
    local = 42;
    task();
    return f.get() == 42;
}

IDIOM(stop_callback, library, "the shared state of a `stop_source` has a list of callbacks, which are locals") {
    std::stop_source source;
    int stopped = 0;
    const std::stop_callback callback{source.get_token(), [&stopped] { ++stopped; }};
    grow();
    source.request_stop();
    return stopped == 1;
}

IDIOM(qsort_large_elements, library, "`qsort` of large elements of a local array sorts pointers to them, in the heap") {
    large_element local[200];
    for (int i = 0; i < 200; ++i) local[i].key = i * 7 % 200;
    std::qsort(local, 200, sizeof(large_element), [](const void* a, const void* b) {
        if (static_cast<const large_element*>(a)->key == 0) grow();
        return static_cast<const large_element*>(a)->key - static_cast<const large_element*>(b)->key;
    });
    for (int i = 0; i < 200; ++i)
        if (local[i].key != i) return false;
    return true;
}

IDIOM(memory_file, library, "`fmemopen` of a local buffer") {
    char buffer[16] = {};
    const file out{::fmemopen(buffer, sizeof buffer, "w")};
    grow();
    std::fputs("abc", out.f);
    std::fflush(out.f);
    show(buffer);
    return std::strcmp(buffer, "abc") == 0;
}

IDIOM(memory_stream, library, "`open_memstream` writes where the text lies, and how long it is, to two locals") {
    char* text = nullptr;
    std::size_t size = 0;
    {
        const file out{::open_memstream(&text, &size)};
        grow();
        std::fputs("abc", out.f);
    }
    show(&text);
    const bool right = text && size == 3 && std::strcmp(text, "abc") == 0;
    std::free(text);
    return right;
}

IDIOM(own_stream, library, "`fopencookie` gives the functions of a stream a pointer to a local") {
    std::string local;
    cookie_io_functions_t functions{};
    functions.write = [](void* cookie, const char* bytes, std::size_t size) -> ssize_t {
        static_cast<std::string*>(cookie)->append(bytes, size);
        return static_cast<ssize_t>(size);
    };
    {
        const file out{::fopencookie(&local, "w", functions)};
        grow();
        std::fputs("abc", out.f);
    }
    show(&local);
    return local == "abc";
}

IDIOM(stream_buffer, library, "`setvbuf` makes a local array the buffer of a stream") {
    char buffer[256] = {};
    {
        const file out{std::tmpfile()};
        std::setvbuf(out.f, buffer, _IOFBF, sizeof buffer);
        std::fputs("abc", out.f);
        grow();
        std::fputs("def", out.f);
        show(buffer);
        const bool right = std::memcmp(buffer, "abcdef", 6) == 0;
        std::fflush(out.f);
        return right;
    }
}

IDIOM(strtok_without_state, library, "`strtok` keeps its place in a local string in a static variable") {
    char text[] = "a,b,c";
    const char* const first = std::strtok(text, ",");
    if (*first != 'a') return false;
    grow();
    text[2] = 'x';
    const char* const second = std::strtok(nullptr, ",");
    return second == text + 2 && *second == 'x';
}

IDIOM(getopt_argument, library, "`getopt` leaves a pointer into a local argument in `optarg`") {
    char name[] = "app", option[] = "-fvalue";
    char* arguments[] = {name, option, nullptr};
    optind = 1;
    if (::getopt(2, arguments, "f:") != 'f') return false;
    grow();
    option[2] = 'V';
    return optarg == option + 2 && std::strcmp(optarg, "Value") == 0;
}

IDIOM(putenv_local, library, "`putenv` makes a local string a part of the environment") {
    char variable[] = "IDIOM_VARIABLE=one";
    if (::putenv(variable) != 0) return false;
    grow();
    variable[15] = 'O';
    const char* const value = std::getenv("IDIOM_VARIABLE");
    const bool right = value == variable + 15 && std::strcmp(value, "One") == 0;
    ::unsetenv("IDIOM_VARIABLE");
    return right;
}

IDIOM(environment_local, library, "`environ` points to a local array") {
    char variable[] = "IDIOM_VARIABLE=one";
    char* local[] = {variable, nullptr};
    char** const before = environ;
    environ = local;
    grow();
    variable[15] = 'O';
    const char* const value = std::getenv("IDIOM_VARIABLE");
    const bool right = value && std::strcmp(value, "One") == 0;
    environ = before;
    return right;
}

IDIOM(tree_of_local_keys, library, "`tsearch` puts pointers to local keys into a tree in the heap") {
    char keys[3][8] = {"two", "one", "three"};
    void* root = nullptr;
    for (auto& key : keys) ::tsearch(key, &root, by_text);
    show(&root);
    grow();
    std::strcpy(keys[0], "twp");
    void* const found = ::tfind("twp", &root, by_text);
    const bool right = found && *static_cast<char**>(found) == keys[0];
    if (right) // else the tree is not to be walked
        for (auto& key : keys) ::tdelete(key, &root, by_text);
    return right;
}

IDIOM(hash_table_of_c, library, "`hsearch_r` puts pointers to local keys and values into its table in the heap") {
    hsearch_data table{};
    if (!::hcreate_r(16, &table)) return false;
    char key[] = "key";
    int value = 1;
    ENTRY entry{key, &value}, *found = nullptr;
    ::hsearch_r(entry, ENTER, &found, &table);
    found = nullptr;
    grow();
    value = 5;
    const bool is_found = ::hsearch_r(entry, FIND, &found, &table);
    const bool right = is_found && *static_cast<int*>(found->data) == 5;
    ::hdestroy_r(&table);
    return right;
}

IDIOM(queue_of_c, library, "`insque` links elements in the heap to a local one") {
    struct element {
        element *next, *previous;
    };
    element local{nullptr, nullptr};
    auto other = in_heap<element>(nullptr, nullptr);
    ::insque(&local, nullptr);
    ::insque(other.get(), &local);
    grow();
    ::remque(other.get());
    return local.next == nullptr;
}

IDIOM(cout_redirected, library, "`cout` gets the buffer of a local string stream") {
    std::ostringstream local;
    std::streambuf* const before = std::cout.rdbuf(local.rdbuf());
    grow();
    std::cout << "abc" << 12;
    std::cout.rdbuf(before);
    return local.str() == "abc12";
}

IDIOM(tied_streams, library, "a stream in the heap is tied to a local stream, which it flushes before it reads") {
    struct counting_buffer final : std::stringbuf {
        int flushed = 0;
        int sync() override { return ++flushed, 0; }
    } buffer;
    std::ostream local{&buffer};
    auto in = std::make_unique<std::istringstream>("7");
    in->tie(&local);
    show(in.get());
    local.put('x');
    grow();
    int value = 0;
    *in >> value;
    return value == 7 && buffer.flushed == 1;
}

IDIOM(stream_word, library, "`pword` of a local stream, which is in the heap for high numbers, points to a local") {
    int index = 0;
    while (index < 20) index = std::ios_base::xalloc();
    std::ostringstream stream;
    int local = 1;
    stream.pword(index) = &local;
    show(&stream);
    grow();
    *static_cast<int*>(stream.pword(index)) = 5;
    return local == 5;
}

IDIOM(locale_with_facet, library, "a facet of a local `locale`, in the heap, refers to a local") {
    struct facet final : std::numpunct<char> {
        explicit facet(const char& p) : point(p) {}
        char do_decimal_point() const override { return point; }
        const char& point;
    };
    char point = '.';
    const std::locale with{std::locale::classic(), new facet{point}};
    show(&with);
    grow();
    point = ',';
    return std::use_facet<std::numpunct<char>>(with).decimal_point() == ',';
}

IDIOM(regex_match, library, "the results of a `regex`, in the heap, point into a short local string") {
    std::string local = "key=val";
    static const std::regex pattern{"(\\w+)=(\\w+)"};
    std::smatch match;
    if (!std::regex_match(local, match, pattern)) return false;
    show(&match);
    grow();
    local[4] = 'V';
    return match.size() == 3 && match[2].str() == "Val";
}

IDIOM(regex_iterator, library, "an iterator over the matches in a short local string") {
    const std::string local = "a1 b2 c3";
    static const std::regex pattern{"[a-z]"};
    int n = 0;
    for (std::sregex_iterator at{local.begin(), local.end(), pattern}, end; at != end && n < 100; ++at) {
        if (at->position() != 3 * n) return false;
        ++n;
        grow();
    }
    return n == 3;
}

IDIOM(pmr_vector_of_strings, library, "the strings of a `pmr::vector` know its resource, which is a local") {
    counting_resource local;
    {
        std::pmr::vector<std::pmr::string> strings{&local};
        strings.emplace_back(100, 'x');
        show(strings.data());
        grow();
        strings[0].assign(1000, 'y');
        if (local.blocks != 2) return false;
    }
    return local.blocks == 0;
}

IDIOM(pmr_vector_in_heap, library, "a `pmr::vector` in the heap has a local resource") {
    counting_resource local;
    auto numbers = std::make_unique<std::pmr::vector<int>>(&local);
    show(numbers.get());
    grow();
    numbers->resize(100);
    return local.blocks == 1 && (numbers.reset(), local.blocks == 0);
}

IDIOM(pmr_default_resource, library, "a local is the default memory resource of the program") {
    counting_resource local;
    std::pmr::memory_resource* const before = std::pmr::set_default_resource(&local);
    grow();
    const std::pmr::vector<int> numbers(100);
    std::pmr::set_default_resource(before);
    return local.blocks == 1;
}

IDIOM(pmr_local_buffer, library, "a local vector in a local buffer: the heap is not asked for anything") {
    alignas(16) std::byte buffer[1024];
    std::pmr::monotonic_buffer_resource resource{buffer, sizeof buffer, std::pmr::null_memory_resource()};
    std::pmr::vector<int> local{&resource};
    local.reserve(16);
    show(&resource);
    grow();
    local.assign(16, 1);
    local.push_back(2);
    return local.back() == 2 && local.size() == 17;
}

IDIOM(pmr_pool_over_buffer, library, "a pool, whose tables are in a local buffer, hands out blocks of that buffer") {
    alignas(16) std::byte buffer[16384];
    std::pmr::monotonic_buffer_resource resource{buffer, sizeof buffer};
    std::pmr::unsynchronized_pool_resource pool{&resource};
    std::pmr::vector<std::pmr::vector<int>> local{&pool};
    local.resize(4);
    for (auto& row : local) row.assign(10, 1);
    show(&pool);
    grow();
    for (auto& row : local) row.resize(20, 1);
    int sum = 0;
    for (const auto& row : local)
        for (int x : row) sum += x;
    return sum == 80;
}

IDIOM(bound_reference, library, "`std::bind` with `std::ref` of a local, in a vector of functions") {
    struct user {
        static void add(int& to, int x) { to += x; }
    };
    int local = 0;
    std::vector<std::function<void(int)>> bound;
    bound.emplace_back(std::bind(user::add, std::ref(local), std::placeholders::_1));
    show(bound.data());
    grow();
    bound[0](5);
    return local == 5;
}

IDIOM(random_engine_by_reference, library, "generators in the heap share a local random engine by reference") {
    struct dice {
        std::minstd_rand& engine;
        unsigned roll() { return engine() % 6; }
    };
    std::minstd_rand local{1}, copy{1};
    auto a = in_heap<dice>(local);
    auto b = in_heap<dice>(local);
    grow();
    const unsigned rolls[] = {a->roll(), b->roll()};
    return rolls[0] == copy() % 6 && rolls[1] == copy() % 6 && local == copy;
}

IDIOM(back_inserter_in_function, library, "an output iterator to a local vector, in a function in the heap") {
    std::vector<int> local;
    auto write = std::make_unique<std::function<void(int)>>(
        [to = std::back_inserter(local)](int x) mutable { *to++ = x; });
    show(write.get());
    grow();
    (*write)(1);
    (*write)(2);
    return local.size() == 2 && local[1] == 2;
}
