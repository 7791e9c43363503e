// Runs the heap's tests without the rest of the library.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

namespace {

unsigned passed = 0, failed = 0;

struct counter : doctest::IReporter {
    explicit counter(const doctest::ContextOptions&) {}
    void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
        ++(stats.testCaseSuccess ? passed : failed);
    }
    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats&) override {}
    void test_case_start(const doctest::TestCaseData&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}
};
REGISTER_LISTENER("counter", 1, counter);

} // namespace

int main(int argc, char** argv) {
    const int result = doctest::Context{argc, argv}.run();
    std::printf("%u passed, %u failed\n", passed, failed);
    return result || !passed;
}
