// Question: what do real programs pay for a stack that grows, beside a fixed stack that somebody made large enough?
//
// Each result is compared with that of a plain thread with a large stack. The context of the output says how each job
// ends on a plain thread with 8 MiB of stack, the usual default.
#include "jobs/jobs.hpp"
#include "policies.hpp"

#include <benchmark/benchmark.h>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace {

using bench::job;
using bench::policy;

constexpr std::size_t usual_thread_bytes = std::size_t{8} << 20;
constexpr std::size_t large_thread_bytes = std::size_t{256} << 20;
constexpr std::size_t fixed_bytes = std::size_t{32} << 20;

constexpr const job* jobs[] = {
    &bench::regex_job,
#ifndef WITHOUT_JSON
    &bench::json_job,
#endif
    &bench::sort_job,
};

[[noreturn]] void fail(const std::string& message) {
    std::fprintf(stderr, "jobs: %s\n", message.c_str());
    std::exit(1);
}

// No coroutine: the limit that the checks compare with is zero there, so nothing grows.
std::uint64_t run_on_thread(const job& j, std::size_t stack_bytes) {
    struct call {
        const job& j;
        std::uint64_t result;
    } request{j, 0};
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    const auto body = [](void* p) -> void* {
        auto& request = *static_cast<call*>(p);
        request.result = request.j.run();
        return nullptr;
    };
    if (pthread_create(&thread, &attributes, body, &request) != 0) fail("cannot start a thread");
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
    return request.result;
}

std::string end_on_usual_thread(const job& j) {
    const pid_t child = fork();
    if (child == 0) {
        const rlimit no_core{0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        run_on_thread(j, usual_thread_bytes);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) fail("cannot run a child process");
    if (!WIFSIGNALED(status)) return WEXITSTATUS(status) == 0 ? "ends well" : "fails";
    return WTERMSIG(status) == SIGSEGV ? "killed by SIGSEGV" : "killed by signal " + std::to_string(WTERMSIG(status));
}

void run_job(benchmark::State& state, const job& j, policy p, std::uint64_t expected) {
    growstack::stack_stats stats;
    for (auto _ : state) {
        std::uint64_t result = 0;
        stats = bench::run_on(p, fixed_bytes, [&] { result = j.run(); });
        if (result != expected) fail(std::string{j.name} + " on " + bench::name(p) + " differs from a plain thread's");
    }
    state.counters["peak_stack_bytes"] = static_cast<double>(stats.peak_stack_bytes);
    state.counters["moves"] = static_cast<double>(stats.moves);
    state.counters["bytes_copied"] = static_cast<double>(stats.bytes_copied);
    state.counters["chunks_linked"] = static_cast<double>(stats.chunks_linked);
}

void add(const job& j) {
    j.prepare();
    benchmark::AddCustomContext(std::string{"job_"} + j.name, j.what);
    benchmark::AddCustomContext(std::string{"plain_8M_thread_"} + j.name, end_on_usual_thread(j));
    const std::uint64_t expected = run_on_thread(j, large_thread_bytes);
    for (const policy p : bench::all_policies)
        benchmark::RegisterBenchmark((std::string{"job/"} + bench::name(p) + '/' + j.name).c_str(), run_job, j, p,
                                     expected)
            ->Unit(benchmark::kMillisecond)
            ->ComputeStatistics("min", bench::minimum);
}

} // namespace

int main(int argc, char** argv) try {
    for (const job* j : jobs) add(*j);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
} catch (const std::exception& e) {
    fail(e.what());
}
