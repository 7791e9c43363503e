// Alternate stacks, whose they are and how long they live; handlers that run on them; the handler that was there first.
#include "support.hpp"

#include <growstack/detail/thread.hpp>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

namespace {

stack_t alternate_stack() {
    stack_t current{};
    ::sigaltstack(nullptr, &current);
    return current;
}

bool has_alternate_stack() { return !(alternate_stack().ss_flags & SS_DISABLE); }

// Makes a coroutine of the kind grow at the guard, where it can.
template <class Kind>
void grow() {
    test::run<Kind>([] { test::use_stack(faults::growing_bytes); });
}

std::size_t count_mappings() {
    std::ifstream maps{"/proc/self/maps"};
    std::size_t lines = 0;
    for (std::string line; std::getline(maps, line);) ++lines;
    return lines;
}

void run_threads(int count) {
    for (int i = 0; i < count; ++i) {
        std::thread one{[] {
            grow<test::small_contiguous>();
            if (!has_alternate_stack()) std::abort();
        }};
        one.join();
    }
}

} // namespace

TEST_CASE_TEMPLATE("a thread that resumes gets an alternate stack, others do not", Kind, GROWSTACK_EACH_SMALL_KIND) {
    std::thread{[] {
        CHECK(!has_alternate_stack());
        const test::coroutine<Kind> c{[] {}, Kind::options};
        CHECK(!has_alternate_stack());
        grow<Kind>();
        CHECK(has_alternate_stack());
        std::thread{[] { CHECK(!has_alternate_stack()); }}.join();
    }}.join();
}

TEST_CASE_TEMPLATE("an alternate stack of the program's own stays in use", Kind, GROWSTACK_EACH_SMALL_KIND) {
    std::thread{[] {
        std::vector<char> memory(32 * 1024); // the kernel's frame takes up to 4 KiB of it
        stack_t own{};
        own.ss_sp = memory.data();
        own.ss_size = memory.size();
        REQUIRE(::sigaltstack(&own, nullptr) == 0);
        for (int i = 0; i < 3; ++i) grow<Kind>();
        CHECK(alternate_stack().ss_sp == own.ss_sp);
        CHECK(alternate_stack().ss_size == own.ss_size);
        own.ss_flags = SS_DISABLE;
        ::sigaltstack(&own, nullptr);
    }}.join();
}

namespace {

const void* last_alternate_stack = nullptr;

// A key that is made after growstack's own: its destructor runs after that one's.
void note_alternate_stack_at_exit() {
    static pthread_key_t key;
    ::pthread_key_create(
        &key, [](void*) { last_alternate_stack = has_alternate_stack() ? alternate_stack().ss_sp : nullptr; });
    ::pthread_setspecific(key, &key);
}

} // namespace

TEST_CASE_TEMPLATE("an alternate stack that the program sets later stays in use, to the thread's end", Kind,
                   GROWSTACK_EACH_SMALL_KIND) {
    std::vector<char> memory(32 * 1024);
    std::thread{[&] {
        grow<Kind>();
        stack_t own{};
        own.ss_sp = memory.data();
        own.ss_size = memory.size();
        REQUIRE(::sigaltstack(&own, nullptr) == 0);
        for (int i = 0; i < 3; ++i) grow<Kind>();
        CHECK(alternate_stack().ss_sp == own.ss_sp);
        note_alternate_stack_at_exit();
    }}.join();
    CHECK(last_alternate_stack == memory.data());
}

TEST_CASE("200 threads leave no mapping behind") {
    run_threads(20);
    const std::size_t before = count_mappings();
    run_threads(200);
    const std::size_t after = count_mappings();
    CHECK(after <= before + 20); // 200 alternate stacks with their guards would be 400
}

namespace {

// Grows a coroutine when its thread ends.
struct grows_at_exit {
    bool* is_right;
    ~grows_at_exit() {
        grow<test::small_contiguous>();
        *is_right = has_alternate_stack();
    }
};

} // namespace

TEST_CASE("destructors of a thread's own objects may still make stacks grow") {
    bool is_right = false;
    std::thread{[&] {
        thread_local grows_at_exit last{&is_right};
        static_cast<void>(&last);
        grow<test::small_contiguous>();
    }}.join();
    CHECK(is_right);
}

namespace {

volatile std::sig_atomic_t handled = 0;

// As a handler that prints a backtrace would.
void use_much_stack(int, siginfo_t*, void*) {
    volatile char frame[40 * 1024];
    for (std::size_t i = 0; i < sizeof frame; i += 1024) frame[i] = 1;
    handled = handled + 1;
    ::_exit(frame[1024] == 1 ? 0 : 1);
}

void fault(int, siginfo_t*, void*) { faults::read_byte(64); }

void leave_if_null(int, siginfo_t* info, void*) { ::_exit(info->si_addr == reinterpret_cast<void*>(64) ? 0 : 1); }

} // namespace

TEST_CASE_TEMPLATE("a handler of the program's has 40 KiB on the alternate stack", Kind, GROWSTACK_EACH_SMALL_KIND) {
    CHECK(faults::is_right_in_child([] {
        faults::set_handler_behind(SIGSEGV, use_much_stack);
        faults::run_at<Kind>([] { faults::read_byte(0); });
        return false;
    }));
}

TEST_CASE_TEMPLATE("a fault in another signal's handler is the program's own", Kind, GROWSTACK_EACH_SMALL_KIND) {
    for (const int flags : {0, SA_ONSTACK}) {
        const auto run = [=](bool has_handler) {
            return faults::in_child([=] {
                faults::set_handler(SIGUSR1, fault, flags);
                if (has_handler) faults::set_handler_behind(SIGSEGV, leave_if_null);
                faults::run_at<Kind>([] { ::raise(SIGUSR1); });
                return false;
            });
        };
        const auto handled_end = run(true), default_end = run(false);
        CHECK(handled_end.signal == 0);
        CHECK(handled_end.exit_code == 0);
        CHECK(default_end.signal == SIGSEGV);
        CHECK(handled_end.error_text + default_end.error_text == "");
    }
}

// Known: growstack takes it for an overflow of the coroutine that was interrupted.
TEST_CASE_TEMPLATE("a fault on an alternate stack below the coroutine's is the program's own", Kind,
                   GROWSTACK_EACH_SMALL_KIND) {
    static std::uintptr_t freed = 0;
    const auto end = faults::in_child([] {
        faults::set_handler(SIGUSR1, [](int, siginfo_t*, void*) { faults::read_byte(freed); }, SA_ONSTACK);
        faults::run_at<Kind>([] {
            // A stack for signals some MiB below the coroutine's, and a freed page between the two.
            constexpr std::size_t bytes = 64 * 1024;
            const std::uintptr_t lo = growstack::grow::this_thread().running->memory.lo;
            std::uintptr_t hint = (lo & ~std::uintptr_t{0xffff}) - (16 << 20);
            void* memory = MAP_FAILED;
            for (int i = 0; i < 60 && memory == MAP_FAILED; ++i, hint -= 64 << 20) // escape stacks may lie there
                memory = ::mmap(reinterpret_cast<void*>(hint), 2 * bytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (memory == MAP_FAILED) faults::say("no memory");
            stack_t below{};
            below.ss_sp = memory;
            below.ss_size = bytes;
            ::sigaltstack(&below, nullptr);
            freed = reinterpret_cast<std::uintptr_t>(memory) + bytes;
            ::munmap(reinterpret_cast<void*>(freed), bytes);
            ::raise(SIGUSR1);
        });
        return true;
    });
    CHECK(end.signal == SIGSEGV);
    CHECK_MESSAGE(end.error_text == "", end.error_text);
}

namespace {

void note_segv(int, siginfo_t*, void*) { faults::say("SIGSEGV "); }
void note_bus(int, siginfo_t*, void*) { faults::say("SIGBUS "); }

} // namespace

TEST_CASE("SIGSEGV and SIGBUS have handlers of their own") {
    const auto end = faults::in_child([] {
        faults::set_handler(SIGSEGV, note_segv);
        faults::set_handler_behind(SIGBUS, note_bus, static_cast<int>(SA_RESETHAND));
        for (const int signal : {SIGBUS, SIGSEGV, SIGSEGV, SIGBUS}) ::raise(signal);
        return true;
    });
    CHECK(end.signal == SIGBUS);
    CHECK(end.error_text == "SIGBUS SIGSEGV SIGSEGV ");
}

TEST_CASE_TEMPLATE("installing the fault handler again and again does no harm", Kind, GROWSTACK_EACH_SMALL_KIND) {
    const auto end = faults::in_child([] {
        faults::set_handler_behind(SIGSEGV, note_segv, static_cast<int>(SA_RESETHAND));
        for (int i = 0; i < 3; ++i) {
            growstack::install_fault_handler();
            grow<Kind>();
        }
        faults::run_at<Kind>([] { faults::read_byte(0); }); // notes it, then is done again
        return true;
    });
    CHECK(end.signal == SIGSEGV);
    CHECK(end.error_text == "SIGSEGV ");
}

TEST_CASE("growth at the guard leaves errno alone") {
    int in_place = 0, moved = 0;
    test::run<test::small_contiguous>([&] {
        errno = 12345;
        test::use_stack(20000);
        in_place = errno;
        test::use_stack(500000);
        moved = errno;
    });
    CHECK(in_place == 12345);
    CHECK(moved == 12345);
}

TEST_CASE("handlers_without_altstack() lists the handlers without SA_ONSTACK, and no others") {
    CHECK(faults::is_right_in_child([] {
        const std::vector<int> before = growstack::handlers_without_altstack();
        faults::set_handler(SIGUSR1, fault, 0);
        faults::set_handler(SIGUSR2, fault, SA_ONSTACK);
        std::signal(SIGHUP, SIG_IGN);
        const std::vector<int> after = growstack::handlers_without_altstack();
        return before.empty() && after == std::vector<int>{SIGUSR1};
    }));
}

TEST_CASE_TEMPLATE("a process that is forked in a coroutine grows its stacks, and so does its parent", Kind,
                   test::small_contiguous, test::reserved) {
    CHECK(faults::is_right_in_child([] {
        bool is_right = false;
        test::run<Kind>([&] {
            test::use_stack(20000);
            const pid_t child = ::fork();
            test::use_stack(20000);
            test::use_stack(500000);
            growstack::this_coroutine::yield();
            grow<Kind>();
            if (child == 0) ::_exit(5);
            int status = 0;
            ::waitpid(child, &status, 0);
            is_right = WIFEXITED(status) && WEXITSTATUS(status) == 5;
        });
        return is_right;
    }));
}

// A process of its own, in which nothing has been resumed: the test below starts it.
TEST_CASE("(child) a handler that stands before the first resume" * doctest::skip()) {
    const bool is_action = std::getenv("FAULTS_DEFAULT_ACTION") != nullptr;
    if (!is_action) faults::set_handler(SIGSEGV, leave_if_null);
    grow<test::small_contiguous>();
    struct sigaction now{};
    ::sigaction(SIGSEGV, nullptr, &now);
    if (now.sa_sigaction == leave_if_null) ::_exit(2); // growstack's own is in front
    test::run<test::small_contiguous>([] { faults::read_byte(64); });
    ::_exit(3);
}

TEST_CASE("a handler that stood before the first resume gets the faults that are not growstack's") {
    const auto status_of = [](const std::string& environment) {
        const std::string command =
            environment + " exec /proc/$PPID/exe --no-skip '-tc=(child) a handler that stands*' >/dev/null 2>&1";
        return std::system(command.c_str());
    };
    const int handled_status = status_of("");
    CHECK(WIFEXITED(handled_status));
    CHECK(WEXITSTATUS(handled_status) == 0);
    const int default_status = status_of("FAULTS_DEFAULT_ACTION=1");
    CHECK(WIFSIGNALED(default_status));
    CHECK(WTERMSIG(default_status) == SIGSEGV);
}
