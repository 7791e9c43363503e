// Faults that are the program's own: the default action, or the program's handler, as if growstack were not there.
#include "support.hpp"

#include <growstack/detail/thread.hpp>
#include "memory/stackalloc.hpp"

#include <setjmp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <string>

namespace {

using faults::fault;

volatile std::sig_atomic_t handled = 0;

// What the handler expects.
fault expected{};
std::uintptr_t expected_address = 0;
bool expects_alternate_stack = false;

bool is_on_alternate_stack() {
    stack_t current{};
    ::sigaltstack(nullptr, &current);
    return (current.ss_flags & SS_ONSTACK) != 0;
}

void compare_and_exit(int signal, siginfo_t* info, void* context) {
    const std::uintptr_t address = expected.code == SI_KERNEL ? 0 : expected_address; // the kernel gives none then
    const auto found = reinterpret_cast<std::uintptr_t>(info->si_addr);
    if (signal != expected.signal || info->si_signo != expected.signal) faults::say("another signal ");
    else if (info->si_code != expected.code) faults::say("another si_code ");
    else if (found != address) faults::say("another si_addr ");
    else if (!context) faults::say("no context ");
    else if (is_on_alternate_stack() != expects_alternate_stack) faults::say("on another stack ");
    else ::_exit(0);
    ::_exit(1);
}

template <class Place>
bool is_passed_on_unchanged(const fault& f) {
    return faults::is_right_in_child([&] {
        faults::set_handler_behind(f.signal, compare_and_exit);
        expected = f;
        const bool has_own = growstack::grow::has_address_sanitizer; // it gives each thread one
        expects_alternate_stack = has_own || !std::is_same_v<Place, faults::thread_without_coroutines>;
        faults::run_at<Place>([&] {
            expected_address = f.place();
            f.touch(expected_address);
        });
        return false;
    });
}

} // namespace

TEST_CASE_TEMPLATE("faults of the program's own take the default action, without a word", Place, FAULTS_EACH_PLACE) {
    for (std::size_t i = 0; i < faults::fault_count; ++i) {
        const fault& f = faults::all_faults[i];
        const auto end = faults::in_child([&] {
            faults::run_at<Place>([&] { f.touch(f.place()); });
            return true;
        });
        CHECK_MESSAGE(end.signal == f.signal, f.name);
        CHECK_MESSAGE(end.error_text == "", f.name);
    }
}

TEST_CASE_TEMPLATE("the program's handler gets its own faults unchanged", Place, FAULTS_EACH_PLACE) {
    for (std::size_t i = 0; i < faults::fault_count; ++i)
        CHECK_MESSAGE(is_passed_on_unchanged<Place>(faults::all_faults[i]), faults::all_faults[i].name);
}

namespace {

sigjmp_buf before_fault;
enum jump_kind { keeps_mask, restores_mask };
void* volatile page = nullptr;

void jump_out(int, siginfo_t*, void*) {
    handled = handled + 1;
    ::siglongjmp(before_fault, 1);
}

// Runs `touch` with the handler jumping out; returns whether it did.
template <class F>
[[gnu::noinline]] bool has_fault(F&& touch, jump_kind kind = restores_mask) {
    const int before = handled;
    if (::sigsetjmp(before_fault, kind) == 0) touch();
    return handled == before + 1;
}

void read_null() { faults::read_byte(0); }

void make_page_writable(int, siginfo_t*, void*) {
    handled = handled + 1;
    ::mprotect(page, growstack::detail::page_bytes, PROT_READ | PROT_WRITE);
}

// What a handler sees of its mask, as bits.
enum : int { saw_own_blocked = 1, saw_usr1_blocked = 2, saw_usr2_blocked = 4, saw_term_blocked = 8 };
volatile std::sig_atomic_t seen = 0;

void note_mask(int signal, siginfo_t* info, void* context) {
    seen = (faults::is_blocked(signal) ? saw_own_blocked : 0) | (faults::is_blocked(SIGUSR1) ? saw_usr1_blocked : 0) |
           (faults::is_blocked(SIGUSR2) ? saw_usr2_blocked : 0) | (faults::is_blocked(SIGTERM) ? saw_term_blocked : 0);
    make_page_writable(signal, info, context);
}

void note_nothing_of_siginfo(int signal) { note_mask(signal, nullptr, nullptr); }

void write_to_constant_page() {
    page = faults::new_page(false);
    faults::write_byte(reinterpret_cast<std::uintptr_t>(page) + 10);
}

// Returns whether the handler ran once, saw `mask`, and left the mask as it was.
bool sees_mask(int mask) {
    sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &term, nullptr);
    write_to_constant_page();
    const bool is_restored = !faults::is_blocked(SIGSEGV) && !faults::is_blocked(SIGUSR1) &&
                             !faults::is_blocked(SIGUSR2) && faults::is_blocked(SIGTERM);
    return handled == 1 && seen == mask && is_restored && static_cast<char*>(page)[10] == 1;
}

template <class Place, class F>
bool is_right_at(F f) {
    return faults::is_right_in_child([&] {
        bool is_right = false;
        faults::run_at<Place>([&] { is_right = f(); });
        return is_right;
    });
}

} // namespace

TEST_CASE_TEMPLATE("a handler that maps the page may return: the instruction is done again", Place, FAULTS_EACH_PLACE) {
    CHECK(is_right_at<Place>([] {
        faults::set_handler_behind(SIGSEGV, make_page_writable);
        for (int i = 1; i <= 100; ++i) {
            write_to_constant_page();
            if (handled != i || static_cast<char*>(page)[10] != 1) return false;
        }
        return true;
    }));
}

TEST_CASE_TEMPLATE("a handler runs with its own mask", Place, FAULTS_EACH_PLACE) {
    CHECK(is_right_at<Place>([] {
        faults::set_handler_behind(SIGSEGV, note_mask, 0, {SIGUSR1});
        return sees_mask(saw_own_blocked | saw_usr1_blocked | saw_term_blocked);
    }));
    CHECK(is_right_at<Place>([] {
        faults::set_handler_behind(SIGSEGV, note_mask, SA_NODEFER, {SIGUSR2});
        return sees_mask(saw_usr2_blocked | saw_term_blocked);
    }));
}

TEST_CASE_TEMPLATE("a handler of one argument is called as one", Place, FAULTS_EACH_PLACE) {
    CHECK(is_right_at<Place>([] {
        std::signal(SIGSEGV, note_nothing_of_siginfo);
        growstack::install_fault_handler();
        return sees_mask(saw_own_blocked | saw_term_blocked);
    }));
}

TEST_CASE_TEMPLATE("a handler with SA_RESETHAND is called once, then the default action follows", Place,
                   FAULTS_EACH_PLACE) {
    const auto end = faults::in_child([] {
        faults::set_handler_behind(SIGSEGV, make_page_writable, SA_RESETHAND);
        faults::run_at<Place>([] {
            write_to_constant_page();
            faults::say(handled == 1 ? "once " : "? ");
            write_to_constant_page();
        });
        return true;
    });
    CHECK(end.signal == SIGSEGV);
    CHECK(end.error_text == "once ");
}

TEST_CASE_TEMPLATE("a handler may jump out, again and again, and stacks grow after it", Place, FAULTS_EACH_PLACE) {
    CHECK(is_right_at<Place>([] {
        faults::set_handler_behind(SIGSEGV, jump_out);
        for (int i = 1; i <= 100; ++i) {
            if (!has_fault(read_null) || handled != i) return false;
            if (faults::is_blocked(SIGSEGV) || is_on_alternate_stack()) return false;
        }
        test::use_stack(faults::growing_bytes); // in place, on stacks that grow
        return handled == 100;
    }));
    // A jump that leaves the mask alone: the handler's own, which SA_NODEFER keeps empty.
    CHECK(is_right_at<Place>([] {
        faults::set_handler_behind(SIGSEGV, jump_out, SA_NODEFER);
        for (int i = 1; i <= 100; ++i) {
            if (!has_fault(read_null, keeps_mask) || handled != i) return false;
            if (faults::is_blocked(SIGSEGV) || faults::is_blocked(SIGUSR1)) return false;
        }
        test::use_stack(faults::growing_bytes);
        return handled == 100;
    }));
}

namespace {

void fault_again(int, siginfo_t*, void*) {
    faults::say("first ");
    faults::read_byte(0);
    faults::say("not reached ");
}

void fault_in_fault(int signal, siginfo_t* info, void* context) {
    handled = handled + 1;
    if (handled < 3) {
        void* const outer = page;
        write_to_constant_page();
        page = outer;
    }
    make_page_writable(signal, info, context);
}

} // namespace

TEST_CASE_TEMPLATE("a fault in the handler ends the program, unless SA_NODEFER is set", Place, FAULTS_EACH_PLACE) {
    const auto end = faults::in_child([] {
        faults::set_handler_behind(SIGSEGV, fault_again);
        faults::run_at<Place>([] { faults::read_byte(0); });
        return true;
    });
    CHECK(end.signal == SIGSEGV);
    CHECK(end.error_text == "first ");
    CHECK(is_right_at<Place>([] {
        faults::set_handler_behind(SIGSEGV, fault_in_fault, SA_NODEFER);
        write_to_constant_page();
        return handled == 6 && static_cast<char*>(page)[10] == 1; // each of 3 calls counts twice
    }));
}

namespace {

volatile std::sig_atomic_t sent_code = 1;
volatile std::sig_atomic_t sent_value = 0;

void note_sender(int, siginfo_t* info, void*) {
    handled = handled + 1;
    sent_code = info->si_pid == ::getpid() ? info->si_code : 1;
    sent_value = info->si_value.sival_int;
}

} // namespace

TEST_CASE_TEMPLATE("signals that a process sends take the default action", Place, FAULTS_EACH_PLACE) {
    for (const int signal : {SIGSEGV, SIGBUS}) {
        const auto by_kill = faults::in_child([=] {
            faults::run_at<Place>([=] { ::kill(::getpid(), signal); });
            return true;
        });
        const auto by_raise = faults::in_child([=] {
            faults::run_at<Place>([=] { ::raise(signal); });
            return true;
        });
        CHECK(by_kill.signal == signal);
        CHECK(by_raise.signal == signal);
        CHECK(by_kill.error_text + by_raise.error_text == "");
    }
}

TEST_CASE_TEMPLATE("signals that a process sends reach its handler, or are ignored", Place, FAULTS_EACH_PLACE) {
    for (const int signal : {SIGSEGV, SIGBUS}) {
        CHECK(is_right_at<Place>([=] {
            faults::set_handler_behind(signal, note_sender);
            ::raise(signal);
            const bool is_raised = handled == 1 && sent_code == SI_TKILL;
            ::sigqueue(::getpid(), signal, {.sival_int = 42});
            while (handled < 2) ::usleep(100); // perhaps by another thread
            return is_raised && sent_code == SI_QUEUE && sent_value == 42;
        }));
        CHECK(is_right_at<Place>([=] {
            std::signal(signal, SIG_IGN);
            growstack::install_fault_handler();
            ::raise(signal);
            ::kill(::getpid(), signal);
            return true;
        }));
    }
}

TEST_CASE_TEMPLATE("faults of the program's own are not ignored", Place, FAULTS_EACH_PLACE) {
    const auto end = faults::in_child([] {
        std::signal(SIGSEGV, SIG_IGN);
        growstack::install_fault_handler();
        faults::run_at<Place>([] { faults::read_byte(0); });
        return true;
    });
    CHECK(end.signal == SIGSEGV);
    CHECK(end.error_text == "");
}

namespace {

constexpr std::size_t page_bytes = growstack::detail::page_bytes;

growstack::grow::bounds own_guard() {
    return growstack::grow::guard_of(growstack::grow::this_thread().running->memory);
}

} // namespace

TEST_CASE_TEMPLATE("the pages below another coroutine's stack are nobody's to touch", Kind, FAULTS_EACH_KIND) {
    CHECK(faults::is_right_in_child([] {
        faults::set_handler_behind(SIGSEGV, jump_out);
        growstack::grow::bounds guard;
        test::coroutine<Kind> other{[&] {
                                        guard = own_guard();
                                        growstack::this_coroutine::yield();
                                    },
                                    Kind::options};
        other.resume();
        bool is_right = guard.bytes() >= page_bytes;
        for (std::uintptr_t address = guard.lo; address < guard.hi; address += page_bytes) {
            const auto is_refused = [=] {
                return has_fault([=] { faults::read_byte(address); }) &&
                       has_fault([=] { faults::write_byte(address + 99); });
            };
            is_right = is_right && is_refused();
            test::run<Kind>([&] { is_right = is_right && is_refused(); });
        }
        is_right = is_right && other.stats().guard_faults == 0;
        other.resume();
        return is_right;
    }));
}

TEST_CASE_TEMPLATE("a wild pointer far below sp, into the coroutine's own guard, opens nothing", Kind,
                   FAULTS_EACH_KIND) {
    CHECK(is_right_at<Kind>([] {
        faults::set_handler_behind(SIGSEGV, jump_out);
        const auto before = growstack::this_coroutine::stats();
        const std::uintptr_t guard_page = own_guard().lo;
        const bool is_right = has_fault([=] { faults::write_byte(guard_page); }) &&
                              has_fault([=] { faults::read_byte(guard_page + page_bytes); });
        return is_right && growstack::this_coroutine::stats().stack_bytes == before.stack_bytes;
    }));
}
