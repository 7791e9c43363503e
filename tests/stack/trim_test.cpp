// Giving memory back.
#include "../support.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

namespace this_coroutine = growstack::this_coroutine;

namespace {

std::size_t resident_bytes() {
    std::size_t all = 0, resident = 0;
    std::ifstream{"/proc/self/statm"} >> all >> resident;
    return resident * static_cast<std::size_t>(getpagesize());
}

// Goes deep and comes back before it yields.
template <class Kind>
std::vector<test::coroutine<Kind>> gone_deep(int count, std::size_t bytes, std::size_t& right) {
    growstack::stack_options options = Kind::options;
    if (!test::can_grow<Kind>) options.initial_bytes = (growstack::grow::has_address_sanitizer ? 1024 : 256) * 1024;
    std::vector<test::coroutine<Kind>> all;
    for (int i = 0; i < count; ++i) {
        all.emplace_back(
            [&right, bytes, i] {
                const int local = i;
                test::use_stack(bytes);
                this_coroutine::yield();
                right += local == i;
                test::use_stack(bytes);
            },
            options);
        all.back().resume();
    }
    return all;
}

} // namespace

TEST_CASE_TEMPLATE("trim() gives back what suspended coroutines do not use, and they go on", Kind,
                   GROWSTACK_EACH_KIND) {
    constexpr int count = 200;
    constexpr std::size_t bytes = 100000;
    std::size_t right = 0;
    auto all = gone_deep<Kind>(count, bytes, right);
    const std::size_t before = resident_bytes();
    growstack::trim();
    constexpr bool has_kept_memory = !std::is_same_v<Kind, test::segmented_eager>;
    constexpr std::size_t kept_bytes = 12 << 10; // at least: a segmented one keeps a chunk of 16 KiB
    if (has_kept_memory) CHECK(resident_bytes() + count * kept_bytes < before);
    for (auto& c : all) c.resume();
    CHECK(right == count);
}

TEST_CASE_TEMPLATE("trim() may be called in a coroutine, which keeps its own stack", Kind, GROWSTACK_EACH_KIND) {
    std::size_t right = 0;
    auto all = gone_deep<Kind>(20, 10000, right);
    test::run<Kind>([&] {
        const std::string local(100, 'x');
        test::at_depth(30, [] { growstack::trim(); });
        for (auto& c : all) c.resume();
        CHECK(local == std::string(100, 'x'));
    });
    CHECK(right == 20);
}

TEST_CASE("trim() gives back dense stacks, kept coroutines and those that have not run") {
    const growstack::stack_options dense{.initial_bytes = 2048, .layout = growstack::stack_layout::dense};
    std::size_t right = 0;
    std::vector<growstack::coroutine<>> all;
    for (int i = 0; i < 50000; ++i) all.emplace_back([&right] { ++right; }, dense);
    const std::size_t before = resident_bytes();
    growstack::trim();
    all.resize(10);
    growstack::trim();
    CHECK(resident_bytes() + 50000 * 1800 < before);
    CHECK(growstack::memory().cached < std::size_t{1} << 20);
    for (auto& c : all) c.resume();
    CHECK(right == 10);
}
