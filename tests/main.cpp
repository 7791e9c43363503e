// Runs the tests. A test that passes but leaves something behind (stack memory in use, a trace hook, a stress mode, a
// limit in the limit slot) counts as failed: every test is a leak test.
//
// --left-out=PATTERN=REASON: the test cases, or files, that match are not run; the reason is printed, and a pattern
// that matches none is a failure. --only=FILES=REASON: no other files are run.
//
// This file is compiled without checks, so doctest is code without checks: call it outside coroutines.
#define DOCTEST_CONFIG_IMPLEMENT
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS // doctest's handlers would replace the library's
#include <doctest/doctest.h>

#include <growstack/growstack.hpp>

#include <fnmatch.h>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

struct left_out {
    std::string pattern, reason;
    std::size_t cases = 0;

    bool matches(const doctest::TestCaseData& test) const {
        return ::fnmatch(pattern.c_str(), test.m_name, 0) == 0 ||
               ::fnmatch(pattern.c_str(), test.m_file.c_str(), 0) == 0;
    }
};

std::vector<left_out> all_left_out;

int passed = 0;
int failed = 0;

bool equal(growstack::stress_modes a, growstack::stress_modes b) {
    return a.move == b.move && a.link == b.link && a.poison == b.poison && a.fault == b.fault;
}

// Returns what a test has left behind, null if nothing. Puts right what it can, for the tests that follow.
const char* left_behind(growstack::stress_modes stress_before) {
    static std::size_t known_leak_bytes = 0;
    const std::size_t in_use = growstack::memory().in_use;
    const bool has_leak = in_use > known_leak_bytes;
    known_leak_bytes = in_use;
    if (has_leak) return "stack memory in use";
    if (growstack::set_trace(nullptr)) return "a trace hook";
    if (!equal(growstack::set_stress(stress_before), stress_before)) return "a stress mode";
    if (growstack::detail::read_limit() != growstack::detail::limit_check_never) return "a limit in the limit slot";
    if (std::uncaught_exceptions() || std::current_exception()) return "an exception";
    return nullptr;
}

struct leak_check : doctest::IReporter {
    explicit leak_check(const doctest::ContextOptions&) {}

    void test_case_start(const doctest::TestCaseData& test) override {
        test_ = &test;
        stress_before_ = growstack::stress();
    }

    void test_case_end(const doctest::CurrentTestCaseStats& result) override {
        const char* const leftover = left_behind(stress_before_);
        if (leftover) std::printf("LEFT BEHIND by \"%s\": %s\n", test_->m_name, leftover);
        ++(result.testCaseSuccess && !leftover ? passed : failed);
    }

    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void test_case_skipped(const doctest::TestCaseData& test) override {
        for (left_out& some : all_left_out) some.cases += some.matches(test);
    }
    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}

private:
    const doctest::TestCaseData* test_ = nullptr;
    growstack::stress_modes stress_before_;
};

REGISTER_LISTENER("leak_check", 1, leak_check);

// Takes our own arguments, each "--name=pattern=reason".
void leave_out(doctest::Context& context, int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        const std::size_t pattern = argument.find('=') + 1, reason = argument.find('=', pattern) + 1;
        const left_out some{argument.substr(pattern, reason - pattern - 1), argument.substr(reason)};
        const bool is_file = some.pattern.ends_with(".cpp");
        if (argument.starts_with("--left-out=")) {
            context.addFilter(is_file ? "source-file-exclude" : "test-case-exclude", some.pattern.c_str());
            all_left_out.push_back(some);
        } else if (argument.starts_with("--only=")) {
            context.addFilter("source-file", some.pattern.c_str());
            std::printf("left out, all but %s: %s\n", some.pattern.c_str(), some.reason.c_str());
        }
    }
}

void print_left_out() {
    for (const left_out& some : all_left_out) {
        std::printf("left out, %zu cases, %s: %s\n", some.cases, some.pattern.c_str(), some.reason.c_str());
        failed += some.cases == 0;
    }
}

} // namespace

int main(int argc, char** argv) {
    doctest::Context context{argc, argv};
    leave_out(context, argc, argv);
    const int result = context.run();
    if (context.shouldExit()) return result;
    print_left_out();
    std::printf("%d passed, %d failed\n", passed, failed);
    return result || failed ? 1 : 0;
}
