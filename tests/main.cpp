// Runs the tests. A test that passes but leaves something behind (stack memory in use, a trace hook, a stress mode, a
// limit in the limit slot) counts as failed: every test is a leak test.
//
// This file is compiled without checks, so doctest is code without checks: call it outside coroutines.
#define DOCTEST_CONFIG_IMPLEMENT
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS // doctest's handlers would replace the library's
#include <doctest/doctest.h>

#include <growstack/growstack.hpp>

#include <cstdio>
#include <exception>

namespace {

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
    void test_case_skipped(const doctest::TestCaseData&) override {}
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

} // namespace

int main(int argc, char** argv) {
    doctest::Context context{argc, argv};
    const int result = context.run();
    if (context.shouldExit()) return result;
    std::printf("%d passed, %d failed\n", passed, failed);
    return result || failed ? 1 : 0;
}
