// In a safe build nothing is stale, and where code of another build is on the stack, the audit finds what that gave
// away.
#include "../../support.hpp"
#include "ordinary.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace this_coroutine = growstack::this_coroutine;
using growstack::audit_finding;

namespace {

struct record {
    audit_finding::place_kind place;
    const void* object;
    std::string function, text;
};

std::vector<record>* records;

void note(const audit_finding& f) { records->push_back({f.place, f.object, f.function ? f.function : "", f.text}); }

// What the audit says while f runs, in no hard mode.
template <class F>
std::vector<record> findings_of(F&& f) {
    std::vector<record> found;
    records = &found;
    const auto modes = growstack::set_stress({});
    const auto hook = growstack::set_audit_hook(note);
    const bool was_on = growstack::set_audit(true);
    f();
    growstack::set_audit(was_on);
    growstack::set_audit_hook(hook);
    growstack::set_stress(modes);
    return found;
}

std::string all_texts(const std::vector<record>& found) {
    std::string all;
    for (const record& r : found) all += r.text + "\n";
    return all;
}

bool has(const std::vector<record>& found, audit_finding::place_kind place, const void* object = nullptr) {
    return std::any_of(found.begin(), found.end(),
                       [&](const record& r) { return r.place == place && (!object || r.object == object); });
}

void grow(void*) { test::use_stack(1'000'000); }

int* handed_over;

// Calls f(the address of ordinary code's local) in another coroutine, on that one's stack, before growth.
struct told_to {
    growstack::coroutine<>& keeper;
    static void resume_and_grow(void* self) {
        static_cast<told_to*>(self)->keeper.resume();
        handed_over = nullptr;
        grow(nullptr);
    }
};

std::vector<record> findings_with(growstack::coroutine<>& keeper) {
    return findings_of([&keeper] {
        told_to argument{keeper};
        growstack::coroutine<> c{
            [&argument] { ordinary::give_away_a_local(&handed_over, told_to::resume_and_grow, &argument); }};
        c.resume();
        CHECK(c.done());
    });
}

std::uintptr_t left_at, left_word;

[[gnu::noinline]] void keep_and_return() {
    int* kept[4] = {handed_over, handed_over, handed_over, handed_over};
    test::opaque(kept);
    left_at = reinterpret_cast<std::uintptr_t>(&kept[0]);
    left_word = reinterpret_cast<std::uintptr_t>(kept[0]);
}

void pollute_and_grow() {
    std::list<int> nodes{1, 2, 3}; // in the heap, two point back into it
    int local = 1;
    const auto kept = std::make_unique<int*>(&local);
    test::opaque(kept.get());
    grow(nullptr);
    test::opaque(&nodes);
}

} // namespace

TEST_CASE("a safe program has nothing to report") {
    const auto found = findings_of([] {
        const auto stats = test::run<test::contiguous>(pollute_and_grow);
        CHECK(stats.moves > 0);
    });
    CHECK_MESSAGE(found.empty(), all_texts(found));
}

TEST_CASE("ordinary code that safe code has called is named with the heap block that has its local's address") {
    const auto kept = std::make_unique<int*>();
    const auto found = findings_of(
        [&kept] { test::run<test::contiguous>([&kept] { ordinary::give_away_a_local(kept.get(), grow, nullptr); }); });
    REQUIRE_MESSAGE(has(found, audit_finding::heap_block), all_texts(found));
    CHECK_MESSAGE(test::contains(found[0].function, "ordinary::give_away_a_local"), all_texts(found));
}

TEST_CASE("another coroutine's escape stack is named by its id") {
    growstack::coroutine<> keeper{[] {
        int* kept = handed_over;
        test::opaque(&kept);
        this_coroutine::yield();
        test::opaque(&kept);
    }};
    const auto found = findings_with(keeper);
    CHECK_MESSAGE(has(found, audit_finding::coroutine_escape_stack, keeper.id()), all_texts(found));
    CHECK_MESSAGE(test::contains(all_texts(found), "stale pointer in escape stack of a coroutine 0x"),
                  all_texts(found));
    keeper.resume();
}

TEST_CASE("what returned functions have left on an escape stack is not reported") {
    growstack::coroutine<> keeper{[] {
        keep_and_return();
        this_coroutine::yield();
    }};
    const auto found = findings_with(keeper);
    CHECK(*reinterpret_cast<volatile std::uintptr_t*>(left_at) == left_word); // it is still there
    CHECK_MESSAGE(!has(found, audit_finding::coroutine_escape_stack), all_texts(found));
    keeper.resume();
}

TEST_CASE("the escape stack of the thread that resumed is named") {
    int* outside = nullptr;
    test::opaque(&outside);
    const auto found = findings_of([&outside] {
        test::run<test::contiguous>([&outside] { ordinary::give_away_a_local(&outside, grow, nullptr); });
    });
    CHECK_MESSAGE(has(found, audit_finding::thread_escape_stack), all_texts(found));
    CHECK_MESSAGE(test::contains(all_texts(found), "stale pointer in escape stack of the thread"), all_texts(found));
    test::opaque(&outside);
}

TEST_CASE("a safe program: run by the next test" * doctest::skip()) {
    growstack::set_stress({});
    test::run<test::contiguous>(pollute_and_grow);
}

namespace {

void run_with_audit() {
    ::setenv("GROWSTACK_AUDIT", "1", 1);
    ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO); // its closing line is not this program's
    ::execl("/proc/self/exe", "tests", "--no-skip", "--test-case=a safe program: run by*", nullptr);
}

} // namespace

TEST_CASE("with the audit on from the start, a safe program says at its end that nothing was found") {
    const auto end = test::run_in_child(run_with_audit);
    CHECK(end.exit_code == 0);
    CHECK_MESSAGE(test::contains(end.error_text, "growstack: audit: "), end.error_text);
    CHECK_MESSAGE(test::contains(end.error_text, ", no stale pointer found"), end.error_text);
    CHECK_MESSAGE(!test::contains(end.error_text, "audit: 0 moves"), end.error_text);
}
