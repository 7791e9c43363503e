// Where stacks come from: guards that stay, system calls that are not made, mappings that run out.
#include "../support.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

// From now on, a system call for memory kills the process.
void forbid_memory_calls() {
    constexpr unsigned forbidden[] = {SYS_mmap, SYS_munmap, SYS_mprotect, SYS_madvise, SYS_brk};
    constexpr auto count = static_cast<unsigned char>(std::size(forbidden));
    std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (unsigned char i = 0; i < count; ++i)
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, forbidden[i], static_cast<unsigned char>(count - i), 0));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        _exit(2);
}

template <class Kind>
void create_and_destroy(int rounds) {
    growstack::stack_options options = Kind::options;
    // The hard mode poison gives the low part of a larger stack back to the system.
    if (growstack::stress().poison) options.max_bytes = std::min<std::size_t>(options.max_bytes, 4 << 20);
    for (int i = 0; i < rounds; ++i) {
        test::coroutine<Kind> to_its_end{[] {}, options};
        to_its_end.resume();
        test::coroutine<Kind> suspended{[] { growstack::this_coroutine::yield(); }, options};
        suspended.resume();
        test::coroutine<Kind> never_run{[] {}, options};
    }
}

bool guards_take_mappings() { return std::getenv("GROWSTACK_GUARD") != nullptr; }

std::size_t most_mappings() {
    std::size_t count = 0;
    std::ifstream{"/proc/sys/vm/max_map_count"} >> count;
    return count;
}

std::size_t mappings() {
    std::ifstream maps{"/proc/self/maps"};
    return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>{maps}, {}, '\n'));
}

} // namespace

TEST_CASE_TEMPLATE("a coroutine from a warm pool takes no system call, the first of a size does", Kind,
                   GROWSTACK_EACH_KIND) {
    if (growstack::stress().fault) {
        MESSAGE("skipped: the hard mode fault makes a system call at each move");
        return;
    }
    // Trimmed, for free stacks of other sizes count as warm too, and there is a most of all of them.
    const auto warm = test::run_in_child([] {
        growstack::trim();
        create_and_destroy<Kind>(100);
        forbid_memory_calls();
        create_and_destroy<Kind>(1000);
    });
    CHECK(warm.signal == 0);
    CHECK(warm.exit_code == 0);
    const auto first = test::run_in_child([] {
        forbid_memory_calls();
        const test::coroutine<Kind> c{[] {}, test::with_first_bytes<Kind>(64 << 20)};
    });
    CHECK(first.signal == SIGSYS);
}

// Stacks above 4 MiB have no place in a window (src/system/address_space.hpp).
TEST_CASE("a thousand large stacks lie in few mappings") {
    if (guards_take_mappings()) {
        MESSAGE("skipped: each guard is a mapping here");
        return;
    }
    growstack::trim();
    const std::size_t before = mappings();
    growstack::stack_options options = test::reserved::options;
    options.escape_bytes = std::size_t{512} << 10; // the guard of a larger one is a mapping
    std::vector<test::coroutine<test::reserved>> all;
    for (int i = 0; i < 1000; ++i) all.emplace_back([] {}, options);
    CHECK(mappings() < before + 200);
}

TEST_CASE("there can be more guarded stacks than mappings; where guards take mappings, the error names the setting") {
    std::vector<test::coroutine<test::contiguous>> all;
    std::string message;
    const growstack::stack_options options{.escape_bytes = 64 * 1024}; // else each later fork copies many mappings
    try {
        for (std::size_t i = 0; i < most_mappings(); ++i) all.emplace_back([] {}, options);
    } catch (const growstack::no_stack_memory& e) {
        message = e.what();
    }
    if (guards_take_mappings()) {
        CHECK_MESSAGE(test::contains(message, "vm.max_map_count"), message);
        CHECK_MESSAGE(test::contains(message, "6.13"), message);
    } else {
        CHECK(message == "");
        CHECK(all.size() == most_mappings());
    }
    all.clear();
    test::run<test::contiguous>([] { test::use_stack(100'000); });
}
