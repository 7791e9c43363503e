// Runs the idioms, each in a process of its own, so that one that crashes or hangs does not end the run:
//
//     idioms                                  all of them, on a plain thread
//     idioms NAME...                          these
//     idioms --list                           says which there are: name, class, where the address goes
//     idioms --stack contiguous ...           in a coroutine; or segmented, reserved, fixed, thread
//     idioms --expect FILE COLUMN ...         those that FILE marks in this column must go wrong, and no others
//
// It prints a line for each idiom that goes wrong, or against its expectation, and a closing line. An idiom in a
// coroutine whose stack can grow, but did not, is wrong as well: it would have shown nothing.
#include "idioms.hpp"

#include <growstack/coroutine.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

const registered* all_idioms = nullptr;

registered::registered(const char* name, place where, const char* sentence, bool (*run)())
    : what{name, where, sentence, run}, next{all_idioms} {
    all_idioms = this;
}

void give_up() { ::_exit(1); }

namespace {

enum class ending { nothing, right, wrong, did_not_grow, crashed, hung };

/// What a child leaves behind for its parent, in memory that they share.
struct result {
    ending how = ending::nothing;
    std::size_t moves = 0;
};

constexpr unsigned wall_seconds = 60; // a right idiom takes far less; many of them run at a time
constexpr unsigned cpu_seconds = 20;
constexpr std::size_t children_at_a_time = 4;
constexpr const char* class_names[] = {"private",   "heap",      "deeper heap", "global",        "thread-local",
                                       "thread",    "kernel",    "encoded",     "address-keyed", "library",
                                       "exception", "stackless", "variadic"};

struct options {
    std::string stack = "thread";
    std::string expect_file, expect_column;
    std::vector<std::string> names;
};

[[noreturn]] void stop(const std::string& why) {
    std::fprintf(stderr, "idioms: %s\n", why.c_str());
    std::exit(2);
}

template <class Stack>
result run_in_coroutine(const idiom& what, growstack::stack_options sizes = Stack::defaults) {
    bool right = false;
    growstack::coroutine<Stack> c{[&] { right = what.run(); }, sizes};
    c.resume();
    const growstack::stack_stats stats = c.stats();
    const bool can_grow = std::same_as<Stack, growstack::contiguous_stack> ||
                          std::same_as<Stack, growstack::segmented_stack>;
    const bool grew = stats.moves + stats.chunks_linked + stats.guard_faults > 0;
    if (right && can_grow && !grew) return {ending::did_not_grow, 0};
    return {right ? ending::right : ending::wrong, stats.moves};
}

result run_here(const idiom& what, const std::string& stack) {
    if (stack == "contiguous") return run_in_coroutine<growstack::contiguous_stack>(what);
    if (stack == "segmented") return run_in_coroutine<growstack::segmented_stack>(what);
    if (stack == "reserved") return run_in_coroutine<growstack::reserved_stack>(what);
    if (stack == "fixed")
        return run_in_coroutine<growstack::fixed_stack>(what, {.initial_bytes = 1 << 20, .room_bytes = 0});
    return {what.run() ? ending::right : ending::wrong, 0};
}

/// The child: nothing that an idiom prints is of interest, and a signal ends what takes too long.
[[noreturn]] void be_a_child(const idiom& what, const std::string& stack, result& shared, bool is_quiet) {
    const rlimit cpu{cpu_seconds, cpu_seconds + 1};
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CPU, &cpu);
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::alarm(wall_seconds);
    if (is_quiet) {
        const int nowhere = ::open("/dev/null", O_WRONLY);
        ::dup2(nowhere, STDERR_FILENO);
    }
    shared = run_here(what, stack);
    ::_exit(0);
}

ending how_it_ended(int status, const result& left) {
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        return signal == SIGALRM || signal == SIGXCPU || signal == SIGKILL ? ending::hung : ending::crashed;
    }
    return left.how == ending::nothing ? ending::wrong : left.how; // give_up() leaves nothing
}

/// Runs each in a child; a few at a time, because some of them only wait.
std::vector<result> run_all(const std::vector<idiom>& chosen, const std::string& stack) {
    const std::size_t bytes = std::max<std::size_t>(1, chosen.size()) * sizeof(result);
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) stop("no shared memory");
    auto* const shared = static_cast<result*>(memory);
    std::vector<std::pair<pid_t, std::size_t>> running;
    const auto collect = [&] {
        int status = 0;
        const pid_t child = ::waitpid(-1, &status, 0);
        const auto at = std::find_if(running.begin(), running.end(), [&](const auto& r) { return r.first == child; });
        if (at == running.end()) return;
        shared[at->second].how = how_it_ended(status, shared[at->second]);
        running.erase(at);
    };
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        if (running.size() == children_at_a_time) collect();
        const pid_t child = ::fork();
        if (child < 0) stop("cannot fork");
        if (child == 0) be_a_child(chosen[i], stack, shared[i], chosen.size() > 1);
        running.emplace_back(child, i);
    }
    while (!running.empty()) collect();
    return {shared, shared + chosen.size()};
}

std::vector<idiom> choose(const std::vector<std::string>& names) {
    std::vector<idiom> chosen;
    for (const registered* i = all_idioms; i; i = i->next)
        if (names.empty() || std::find(names.begin(), names.end(), i->what.name) != names.end())
            chosen.push_back(i->what);
    std::sort(chosen.begin(), chosen.end(), [](const idiom& a, const idiom& b) {
        return a.where != b.where ? a.where < b.where : std::strcmp(a.name, b.name) < 0;
    });
    if (chosen.empty() || chosen.size() < names.size()) stop("there is no such idiom; see --list");
    return chosen;
}

/// A line of the file: the name of an idiom, then the columns in which it goes wrong. '#' begins a comment.
std::set<std::string> read_expected(const std::string& file, const std::string& column) {
    std::set<std::string> wrong;
    std::ifstream lines{file};
    if (!lines) stop("cannot read " + file);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words{line.substr(0, line.find('#'))};
        std::string name, word;
        words >> name;
        while (words >> word)
            if (word == column) wrong.insert(name);
    }
    return wrong;
}

const char* say(ending how) {
    constexpr const char* words[] = {"?",       "right", "wrong result", "right, but the stack did not grow",
                                     "crashed", "hung"};
    return words[static_cast<int>(how)];
}

int report(const std::vector<idiom>& chosen, const std::vector<result>& results, const options& given) {
    const bool has_expectation = !given.expect_file.empty();
    const auto expected = has_expectation ? read_expected(given.expect_file, given.expect_column)
                                          : std::set<std::string>{};
    std::size_t right = 0, wrong = 0, crashed = 0, hung = 0, moves = 0, unexpected = 0;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        const ending how = results[i].how;
        const bool is_expected = (how != ending::right) == expected.contains(chosen[i].name);
        right += how == ending::right;
        wrong += how == ending::wrong || how == ending::did_not_grow;
        crashed += how == ending::crashed;
        hung += how == ending::hung;
        moves += results[i].moves;
        unexpected += !is_expected;
        if (!is_expected || (how != ending::right && !has_expectation))
            std::printf("%s (%s): %s%s\n", chosen[i].name, class_names[static_cast<int>(chosen[i].where)], say(how),
                        has_expectation ? ", which is not expected" : "");
    }
    std::printf("%zu moves; %zu right, %zu wrong (%zu a wrong result, %zu crashed, %zu hung)", moves, right,
                wrong + crashed + hung, wrong, crashed, hung);
    if (has_expectation) std::printf("; %zu not as expected", unexpected);
    std::puts("");
    return unexpected != 0;
}

void list() {
    for (const idiom& i : choose({}))
        std::printf("%s\t%s\t%s\n", i.name, class_names[static_cast<int>(i.where)], i.sentence);
}

bool is_stack(const std::string& name) {
    const std::set<std::string> names{"thread", "contiguous", "segmented", "reserved", "fixed"};
    return names.contains(name);
}

options parse(int argc, char** argv) {
    options given;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--list") {
            list();
            std::exit(0);
        } else if (word == "--stack" && i + 1 < argc) {
            given.stack = argv[++i];
            if (!is_stack(given.stack)) stop("there is no stack " + given.stack);
        } else if (word == "--expect" && i + 2 < argc) {
            given.expect_file = argv[++i];
            given.expect_column = argv[++i];
        } else if (word.starts_with("--")) {
            stop("what is " + word + "? See the first lines of tests/idioms/main.cpp");
        } else {
            given.names.push_back(word);
        }
    }
    return given;
}

} // namespace

int main(int argc, char** argv) {
    const options given = parse(argc, argv);
    const std::vector<idiom> chosen = choose(given.names);
    return report(chosen, run_all(chosen, given.stack), given);
}
