// Question: what does each of very many suspended coroutines cost, in memory and in time? Prints one line of JSON.
// Usage: density KIND COUNT; without arguments: the kinds, a line each. In a safe build there are more.
//
//      create   all are created, and run to their first yield
//      resume   each is resumed and yields
//      spike    each goes 32 KiB deep, yields at the depth that it had before, and is trimmed
//      end      each runs to its end, and is destroyed
#include <growstack/growstack.hpp>

#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__has_feature)
#if __has_feature(safe_stack)
#define HAS_ESCAPE_STACKS
#endif
#endif

namespace {

constexpr std::size_t spike_bytes = 32 << 10;

enum class command { idle, spike, end } what_to_do = command::idle;

[[gnu::noinline]] long recurse(std::size_t bytes) {
    volatile long frame[16];
    frame[0] = static_cast<long>(bytes);
    if (bytes > sizeof frame) frame[1] = recurse(bytes - sizeof frame);
    return frame[0];
}

// As all kinds run it.
template <class Yield>
void body(Yield yield) {
    for (yield(); what_to_do != command::end; yield())
        if (what_to_do == command::spike) recurse(spike_bytes);
}

using growstack::stack_layout;

struct no_local {
    no_local() {}
};

// In a safe build it lies on the escape stack.
struct escaping_local {
    int value = 1;
    escaping_local() { asm volatile("" : : "r"(this) : "memory"); }
    ~escaping_local() { asm volatile("" : : "r"(this) : "memory"); }
};

template <class Stack, std::size_t bytes, stack_layout layout = stack_layout::guarded, class Local = no_local,
          std::size_t escape_bytes = growstack::detail::default_escape_bytes>
class grown {
public:
    grown()
        : coroutine_{[] {
                         const Local local;
                         body([] { growstack::this_coroutine::yield(); });
                     },
                     options} {}
    void resume() { coroutine_.resume(); }
    void trim() {
        coroutine_.shrink();
        coroutine_.trim();
    }
    static void trim_all() { growstack::trim(); }
    static constexpr std::size_t most_deep = std::is_same_v<Stack, growstack::fixed_stack> ? 0 : SIZE_MAX;

private:
    static constexpr growstack::stack_options options{
        .initial_bytes = bytes, .escape_bytes = escape_bytes, .layout = layout};
    growstack::coroutine<Stack> coroutine_;
};

// A stack must be as large as its coroutine will ever need, and nothing gives it back before.
template <class Allocator>
class boost_fiber {
public:
    boost_fiber()
        : fiber_{std::allocator_arg, allocator(), [](boost::context::fiber&& caller) {
                     body([&caller] { caller = std::move(caller).resume(); });
                     return std::move(caller);
                 }} {}
    void resume() { fiber_ = std::move(fiber_).resume(); }
    void trim() {}
    static void trim_all() {}
    static constexpr std::size_t most_deep = 100'000; // each keeps what it has touched, 36 KiB

private:
    static Allocator& allocator() {
        static Allocator all{64 << 10};
        return all;
    }
    boost::context::fiber fiber_;
};

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// In /proc/self/status, in KiB.
std::size_t status_bytes(const char* field) {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(field)) return std::strtoul(line.c_str() + std::strlen(field) + 1, nullptr, 10) << 10;
    return 0;
}

std::size_t memory_bytes() { return status_bytes("VmRSS") + status_bytes("VmPTE"); }

std::size_t mappings() {
    std::ifstream maps{"/proc/self/maps"};
    return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>{maps}, {}, '\n'));
}

class phase {
public:
    explicit phase(const char* name) : name_{name} {
        ::getrusage(RUSAGE_SELF, &before_);
        start_ = seconds();
    }

    // Time of the clock, time in the program itself, page faults: for each of `count`.
    void print(std::size_t count) const {
        const double took = seconds() - start_;
        rusage after;
        ::getrusage(RUSAGE_SELF, &after);
        const auto user = [](const rusage& r) {
            return static_cast<double>(r.ru_utime.tv_sec) + 1e-6 * static_cast<double>(r.ru_utime.tv_usec);
        };
        const double n = static_cast<double>(count);
        std::printf(", \"%s_ns\": %.1f, \"%s_user_ns\": %.1f, \"%s_faults\": %.3f", name_, took * 1e9 / n, name_,
                    (user(after) - user(before_)) * 1e9 / n, name_,
                    static_cast<double>(after.ru_minflt - before_.ru_minflt) / n);
    }

private:
    const char* name_;
    rusage before_;
    double start_;
};

template <class Coroutine>
void measure(const char* kind, std::size_t count) {
    std::printf("{\"kind\": \"%s\", \"count\": %zu", kind, count);
    std::vector<Coroutine> all(0);
    all.reserve(count);
    std::memset(static_cast<void*>(all.data()), 0, count * sizeof(Coroutine));
    Coroutine{}.resume(); // what a process or a thread does once
    const std::size_t before = memory_bytes();
    const auto bytes_each = [before, count] {
        return static_cast<double>(memory_bytes() - before) / static_cast<double>(count);
    };

    const phase create{"create"};
    for (std::size_t i = 0; i < count; ++i) {
        all.emplace_back();
        all.back().resume();
    }
    create.print(count);
    std::printf(", \"bytes\": %.1f, \"mappings\": %zu", bytes_each(), mappings());

    const phase resume{"resume"};
    for (auto& c : all) c.resume();
    resume.print(count);

    if (count <= Coroutine::most_deep) {
        what_to_do = command::spike;
        const phase spike{"spike"};
        for (auto& c : all) {
            c.resume();
            c.trim();
        }
        Coroutine::trim_all();
        spike.print(count);
        std::printf(", \"bytes_after_spike\": %.1f", bytes_each());
    }

    what_to_do = command::end;
    const phase end{"end"};
    for (auto& c : all) c.resume();
    all.clear();
    end.print(count);
    std::printf(", \"peak_bytes\": %zu}\n", status_bytes("VmHWM") + status_bytes("VmPTE"));
}

constexpr struct {
    const char* name;
    void (*measure)(const char* kind, std::size_t count);
} kinds[] = {
    {"contiguous_dense_1K", measure<grown<growstack::contiguous_stack, 1024, stack_layout::dense>>},
    {"contiguous_dense_2K", measure<grown<growstack::contiguous_stack, 2048, stack_layout::dense>>},
    {"contiguous_4K", measure<grown<growstack::contiguous_stack, 4096>>},
    {"segmented_4K", measure<grown<growstack::segmented_stack, 4096>>},
    {"fixed_4K", measure<grown<growstack::fixed_stack, 4096>>},
#ifdef HAS_ESCAPE_STACKS
    // Each holds a variable whose address escapes.
    {"contiguous_dense_2K_escaping_64K",
     measure<grown<growstack::contiguous_stack, 2048, stack_layout::dense, escaping_local, 64 << 10>>},
    {"contiguous_4K_escaping_64K",
     measure<grown<growstack::contiguous_stack, 4096, stack_layout::guarded, escaping_local, 64 << 10>>},
    {"contiguous_dense_2K_escaping",
     measure<grown<growstack::contiguous_stack, 2048, stack_layout::dense, escaping_local>>},
    {"contiguous_4K_escaping",
     measure<grown<growstack::contiguous_stack, 4096, stack_layout::guarded, escaping_local>>},
#endif
    {"boost_fixedsize_64K", measure<boost_fiber<boost::context::fixedsize_stack>>},
    {"boost_pooled_64K", measure<boost_fiber<boost::context::pooled_fixedsize_stack>>},
};

} // namespace

int main(int argc, char** argv) {
    for (const auto& kind : kinds) {
        if (argc < 3) std::puts(kind.name);
        else if (std::strcmp(argv[1], kind.name) == 0)
            return kind.measure(kind.name, std::strtoul(argv[2], nullptr, 10)), 0;
    }
    return argc >= 3;
}
