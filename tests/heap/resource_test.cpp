// The process's heap.
#include "support.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <list>
#include <new>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace heap = growstack::heap;

namespace {

std::size_t in_use() { return heap::stats().total_in_use_bytes(); }

// Fails if the test leaves anything allocated.
struct leak_check {
    ~leak_check() {
        heap::check_invariants();
        CHECK(in_use() == before);
    }
    std::size_t before = in_use();
};

// What a child process that runs f says before it aborts; "" if it does not.
[[maybe_unused]] std::string last_words(void (*f)()) {
    int ends[2];
    if (::pipe(ends) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        ::dup2(ends[1], STDERR_FILENO);
        f();
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string text(1000, '\0');
    const ssize_t n = ::read(ends[0], text.data(), text.size());
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? text : "";
}

[[maybe_unused]] bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a random program on the process's heap sees what a plain map says") {
    const leak_check no_leak;
    for (const std::uint64_t seed : {11, 12})
        test::run_against_model(
            seed, 30'000, [](std::size_t n, std::size_t a) { return heap::allocate(n, a); },
            [](void* p, std::size_t n, std::size_t a) { heap::deallocate(p, n, a); }, [] { heap::check_invariants(); });
}

TEST_CASE("containers live on the resource") {
    const leak_check no_leak;
    std::pmr::unordered_map<int, std::pmr::string> map{heap::resource()};
    for (int i = 0; i < 5000; ++i) map.emplace(i, std::string(static_cast<std::size_t>(i % 300), 'x'));
    std::size_t sum = 0;
    for (const auto& [key, value] : map) sum += value.size();
    CHECK(sum == 737'500);
    CHECK(map.size() == 5000);
    CHECK(heap::resource()->is_equal(*heap::resource()));
    CHECK(!heap::resource()->is_equal(*heap::tiny_resource()));
}

TEST_CASE("absurd sizes throw bad_alloc, and are null without exceptions") {
    const leak_check no_leak;
    for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX - 100, std::size_t{1} << 60, std::size_t{1} << 47}) {
        CHECK_THROWS_AS(static_cast<void>(heap::resource()->allocate(bytes)), std::bad_alloc);
        CHECK(heap::allocate(bytes) == nullptr);
    }
    CHECK(heap::allocate(8, std::size_t{1} << 60) == nullptr);
    CHECK(heap::allocate(SIZE_MAX - 8, std::size_t{1} << 40) == nullptr);
}

TEST_CASE("no bytes at all are a block of their own") {
    const leak_check no_leak;
    void* const a = heap::allocate(0);
    void* const b = heap::allocate(0);
    CHECK((a && b && a != b));
    heap::deallocate(a, 0);
    heap::deallocate(b, 0);
}

TEST_CASE("stats() tell classes, large blocks, and what is cached") {
    const leak_check no_leak;
    const auto before = heap::stats();
    void* const small = heap::allocate(1000);
    void* const large = heap::allocate(1 << 20);
    const auto s = heap::stats();
    const heap::size_class c = heap::class_of(1000, 16);
    CHECK(s.in_use_bytes[c] == before.in_use_bytes[c] + heap::slot_bytes(c));
    CHECK(s.large_bytes == before.large_bytes + (1 << 20));
    CHECK(s.metadata_bytes > 0);
    heap::deallocate(small, 1000);
    heap::deallocate(large, 1 << 20);
    CHECK(heap::stats().in_use_bytes[c] == before.in_use_bytes[c]);
    CHECK(heap::stats().cached_bytes >= heap::slot_bytes(c));
    heap::scavenge();
    CHECK(heap::stats().idle_bytes == 0);
}

TEST_CASE("threads free each other's blocks") {
    const leak_check no_leak;
    constexpr int rounds = 300, blocks = 200;
    std::vector<void*> handed_over(blocks);
    std::atomic<int> turn{0};
    std::thread consumer{[&] {
        for (int round = 0; round < rounds; ++round) {
            while (turn.load() != 2 * round + 1) std::this_thread::yield();
            for (int i = 0; i < blocks; ++i)
                heap::deallocate(handed_over[static_cast<std::size_t>(i)], static_cast<std::size_t>(16 + i * 40));
            ++turn;
        }
    }};
    for (int round = 0; round < rounds; ++round) {
        while (turn.load() != 2 * round) std::this_thread::yield();
        for (int i = 0; i < blocks; ++i) {
            auto& p = handed_over[static_cast<std::size_t>(i)];
            p = heap::allocate(static_cast<std::size_t>(16 + i * 40));
            std::memset(p, i, static_cast<std::size_t>(16 + i * 40));
        }
        ++turn;
    }
    consumer.join();
}

TEST_CASE("a thread's cache goes to the others when it ends") {
    const leak_check no_leak;
    const auto churn = [] {
        std::thread{[] {
            std::vector<void*> blocks;
            for (int i = 0; i < 500; ++i) blocks.push_back(heap::allocate(2000));
            for (void* p : blocks) heap::deallocate(p, 2000);
        }}.join();
    };
    for (int i = 0; i < 20; ++i) churn();
    const auto held = [] {
        const auto s = heap::stats();
        return s.cached_bytes + s.idle_bytes;
    };
    const std::size_t before = held();
    for (int i = 0; i < 300; ++i) churn();
    CHECK(held() <= before + (1 << 20));
}

TEST_CASE("blocks are freed, and allocated, after a thread's own cache is gone") {
    const leak_check no_leak;
    struct late {
        ~late() {
            heap::deallocate(p, 100);
            heap::deallocate(heap::allocate(300), 300);
            heap::tiny_resource()->deallocate(heap::tiny_resource()->allocate(5, 1), 5, 1);
        }
        void* p = nullptr;
    };
    std::thread{[] {
        static thread_local late last; // constructed before the cache, destroyed after it
        static_cast<void>(&last);
        last.p = heap::allocate(100);
    }}.join();
}

TEST_CASE("a child process goes on with the heap") {
    const leak_check no_leak;
    void* const p = heap::allocate(500);
    const pid_t child = ::fork();
    if (child == 0) {
        heap::deallocate(p, 500);
        for (int i = 0; i < 1000; ++i)
            heap::deallocate(heap::allocate(static_cast<std::size_t>(i) * 7), static_cast<std::size_t>(i) * 7);
        heap::check_invariants();
        ::_exit(0);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    heap::deallocate(p, 500);
}

TEST_CASE("tiny objects of no bytes lie in a block of their own thread's") {
    auto* const tiny = heap::tiny_resource();
    std::vector<void*> all;
    for (int i = 0; i < 200; ++i) {
        all.push_back(tiny->allocate(0, 1)); // the first, and those after a block that is full to its end
        all.push_back(tiny->allocate(8, 8));
        all.push_back(tiny->allocate(8, 8));
        all.push_back(tiny->allocate(0, 1));
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        const bool is_empty = i % 4 == 0 || i % 4 == 3;
        tiny->deallocate(all[i], is_empty ? 0 : 8, is_empty ? 1 : 8);
    }
    heap::check_invariants();
}

TEST_CASE("a large block from tiny_resource() may lie where tiny objects were") {
    auto* const tiny = heap::tiny_resource();
    std::vector<void*> small;
    for (int i = 0; i < 100000; ++i) small.push_back(tiny->allocate(8, 8));
    for (void* p : small) tiny->deallocate(p, 8, 8);
    heap::scavenge();
    constexpr std::size_t bytes = std::size_t{300} << 10;
    const std::size_t before = heap::stats().large_bytes;
    for (int i = 0; i < 50; ++i) small[static_cast<std::size_t>(i)] = tiny->allocate(bytes, 8);
    for (int i = 0; i < 50; ++i) tiny->deallocate(small[static_cast<std::size_t>(i)], bytes, 8);
    CHECK(heap::stats().large_bytes == before);
    heap::check_invariants();
}

TEST_CASE("tiny objects share a block, which is free when the last of them is") {
    const leak_check no_leak;
    auto* const tiny = heap::tiny_resource();
    std::vector<std::pair<char*, std::size_t>> objects;
    const std::size_t before = heap::stats().in_use_bytes[heap::tiny_class];
    for (int i = 0; i < 4000; ++i) {
        const std::size_t bytes = 1 + static_cast<std::size_t>(i) % 4, alignment = bytes == 4 ? 4 : bytes == 2 ? 2 : 1;
        auto* const p = static_cast<char*>(tiny->allocate(bytes, alignment));
        CHECK(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
        std::memset(p, i, bytes);
        objects.emplace_back(p, bytes);
    }
    const std::size_t used = heap::stats().in_use_bytes[heap::tiny_class] - before;
    CHECK(used < 4000 * 4); // in blocks of their own: 4000 * 8
    bool is_kept = true;
    for (std::size_t i = 0; i < objects.size(); ++i)
        for (std::size_t k = 0; k < objects[i].second; ++k)
            is_kept = is_kept && objects[i].first[k] == static_cast<char>(i);
    CHECK(is_kept);
    std::thread{[&] {
        for (std::size_t i = 0; i < objects.size(); i += 2)
            tiny->deallocate(objects[i].first, objects[i].second,
                             objects[i].second == 4   ? 4
                             : objects[i].second == 2 ? 2
                                                      : 1);
        for (int i = 0; i < 100; ++i) tiny->deallocate(tiny->allocate(3, 1), 3, 1);
    }}.join();
    for (std::size_t i = 1; i < objects.size(); i += 2)
        tiny->deallocate(objects[i].first, objects[i].second,
                         objects[i].second == 4   ? 4
                         : objects[i].second == 2 ? 2
                                                  : 1);
    void* const large = tiny->allocate(100, 8);
    tiny->deallocate(large, 100, 8);
    std::thread{[&] { // ends with a block that it still fills
        for (int i = 0; i < 20; ++i) tiny->deallocate(tiny->allocate(15, 1), 15, 1);
    }}
        .join();
    heap::scavenge(); // leaves the block that this thread still fills
}

#if defined(__SANITIZE_ADDRESS__)
TEST_CASE("AddressSanitizer sees the use of a freed block") {
    static volatile char* p;
    const leak_check no_leak;
    p = static_cast<volatile char*>(heap::allocate(100));
    heap::deallocate(const_cast<char*>(p), 100);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        p[50] = 1;
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string text;
    char part[500];
    for (ssize_t n; (n = ::read(ends[0], part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    CHECK(contains(text, "use-after-poison"));
}
#endif

#ifndef NDEBUG
TEST_CASE("wrong frees end the program with a message") {
    static void* p;
    const leak_check no_leak;
    p = heap::allocate(100);
    CHECK(contains(last_words([] {
                       heap::deallocate(p, 100);
                       heap::deallocate(p, 100);
                   }),
                   "it is free already"));
    CHECK(contains(last_words([] { heap::deallocate(p, 200); }), "another size"));
    CHECK(contains(last_words([] { heap::deallocate(static_cast<char*>(p) + 8, 100); }), "not to its start"));
    CHECK(contains(last_words([] {
                       static long elsewhere[20];
                       heap::deallocate(elsewhere, 100);
                   }),
                   "not in this heap"));
    CHECK(contains(last_words([] {
                       void* large = heap::allocate(1 << 20);
                       heap::deallocate(large, 1 << 20);
                       heap::deallocate(large, 1 << 20);
                   }),
                   "free already"));
    CHECK(contains(last_words([] { heap::deallocate(heap::allocate(1 << 20), 100); }), "another size"));
    heap::deallocate(p, 100);
}
#endif
