// The audit names whoever still points to where a stack was; a pin, or a root, is the remedy.
#include "../support.hpp"

#include <growstack/heap/resource.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

// In a safe build, code of another build, which it has called.
GROWSTACK_ALL_ON_NATIVE_STACK

namespace this_coroutine = growstack::this_coroutine;
using growstack::audit_finding;

namespace {

struct record {
    audit_finding::place_kind place;
    std::size_t object_bytes, offset, words, frame_offset;
    const void* object;
    const void* coroutine;
    std::string name, function, text;
    std::size_t backtrace_frames;
};

std::vector<record>* records;

// Earlier tests leave addresses in the parts of the thread's frames that nobody has written since.
bool are_thread_frames_wanted = false;

void note(const audit_finding& f) {
    if (f.place == audit_finding::thread_stack && !are_thread_frames_wanted) return;
    records->push_back({f.place, f.object_bytes, f.offset, f.words, f.frame_offset, f.object, f.coroutine,
                        f.name ? f.name : "", f.function ? f.function : "", f.text, f.backtrace.size()});
}

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

std::vector<record> findings_in_coroutine(void (*body)()) {
    return findings_of([body] {
        growstack::coroutine<> c{body};
        while (!c.done()) c.resume();
    });
}

std::string all_texts(const std::vector<record>& found) {
    std::string all;
    for (const record& r : found) all += r.text + "\n";
    return all;
}

// How the address of a local may go out of its function. Each keeps it somewhere else, and never touches it by itself.

int* in_a_global = nullptr;

struct global_variable {
    static constexpr auto place = audit_finding::global;
    explicit global_variable(int& local) { in_a_global = &local; }
    int* kept() const { return in_a_global; }
    ~global_variable() { in_a_global = nullptr; }
};

struct thread_local_variable {
    static constexpr auto place = audit_finding::thread_local_storage;
    static inline thread_local int* slot;
    explicit thread_local_variable(int& local) { slot = &local; }
    int* kept() const { return slot; }
    ~thread_local_variable() { slot = nullptr; }
};

// Go's six.

struct shared_past_its_frame {
    static constexpr auto place = audit_finding::heap_block;
    struct session {
        int id = 0;
        int* result = nullptr;
    };
    std::unique_ptr<session> open = std::make_unique<session>();
    explicit shared_past_its_frame(int& local) { open->result = &local; }
    int* kept() const { return open->result; }
};

struct captured_by_reference {
    static constexpr auto place = audit_finding::heap_block;
    std::function<int*()> callback;
    explicit captured_by_reference(int& local) {
        const std::array<long, 8> more{}; // too large for a std::function to keep in itself
        callback = [&local, more] { return more[0] ? nullptr : &local; };
    }
    int* kept() const { return callback(); }
};

struct sent_over_a_channel {
    static constexpr auto place = audit_finding::heap_block;
    std::unique_ptr<std::deque<int*>> channel = std::make_unique<std::deque<int*>>();
    explicit sent_over_a_channel(int& local) { channel->push_back(&local); }
    int* kept() const { return channel->front(); }
};

struct stored_in_a_container {
    static constexpr auto place = audit_finding::heap_block;
    std::vector<int*> all;
    explicit stored_in_a_container(int& local) { all.push_back(&local); }
    int* kept() const { return all[0]; }
};

struct container_storage_reallocated {
    static constexpr auto place = audit_finding::heap_block;
    std::vector<int*> all;
    explicit container_storage_reallocated(int& local) {
        for (int i = 0; i < 100; ++i) all.push_back(i == 50 ? &local : nullptr);
    }
    int* kept() const { return all[50]; }
};

struct behind_a_virtual_call {
    static constexpr auto place = audit_finding::heap_block;
    struct observer {
        virtual ~observer() = default;
        virtual void watch(int*) {}
        virtual int* watched() const { return nullptr; }
    };
    struct keeping final : observer {
        int* target = nullptr;
        void watch(int* p) override { target = p; }
        int* watched() const override { return target; }
    };
    std::unique_ptr<observer> who = std::make_unique<keeping>();
    explicit behind_a_virtual_call(int& local) {
        test::opaque(who.get());
        who->watch(&local);
    }
    int* kept() const { return who->watched(); }
};

// C++'s own.

struct intrusive_list_node {
    static constexpr auto place = audit_finding::heap_block;
    struct node {
        node* next = this;
        node* previous = this;
    };
    std::unique_ptr<node> list = std::make_unique<node>();
    node* here;
    explicit intrusive_list_node(int& local) : here{reinterpret_cast<node*>(&local)} {
        list->next = list->previous = here;
    }
    int* kept() const { return reinterpret_cast<int*>(list->next); }
};

struct waiter {
    int* value;
    waiter* next;
};
waiter* wait_queue = nullptr;

struct wait_queue_node {
    static constexpr auto place = audit_finding::global;
    explicit wait_queue_node(int& local) { wait_queue = reinterpret_cast<waiter*>(&local); }
    int* kept() const { return reinterpret_cast<int*>(wait_queue); }
    ~wait_queue_node() { wait_queue = nullptr; }
};

struct thread_by_reference {
    static constexpr auto place = audit_finding::heap_block;
    struct shared {
        std::atomic<bool> may_end = false;
        std::atomic<int*> seen = nullptr;
    };
    std::shared_ptr<shared> both = std::make_shared<shared>();
    std::thread other;
    explicit thread_by_reference(int& local)
        : other{[&local, s = both] {
              s->may_end.wait(false);
              s->seen = &local;
          }} {}
    int* kept() {
        end();
        return both->seen;
    }
    void end() {
        both->may_end = true;
        both->may_end.notify_one();
        if (other.joinable()) other.join();
    }
    ~thread_by_reference() { end(); }
};

struct exception_pointer {
    static constexpr auto place = audit_finding::heap_block;
    struct failure {
        int* where;
    };
    std::exception_ptr error;
    explicit exception_pointer(int& local) : error{std::make_exception_ptr(failure{&local})} {}
    int* kept() const {
        try {
            std::rethrow_exception(error);
        } catch (const failure& f) {
            return f.where;
        }
    }
};

struct iterator_in_a_heap_object {
    static constexpr auto place = audit_finding::heap_block;
    struct cursor {
        int* at;
        int* end;
    };
    std::unique_ptr<cursor> position;
    explicit iterator_in_a_heap_object(int& local) : position{new cursor{&local, &local + 1}} {}
    int* kept() const { return position->at; }
};

struct growstacks_heap {
    static constexpr auto place = audit_finding::heap_block;
    int** block = static_cast<int**>(growstack::heap::resource()->allocate(3 * sizeof(int*)));
    explicit growstacks_heap(int& local) { block[0] = block[2] = nullptr, block[1] = &local; }
    int* kept() const { return block[1]; }
    ~growstacks_heap() { growstack::heap::resource()->deallocate(block, 3 * sizeof(int*)); }
};

struct large_block {
    static constexpr auto place = audit_finding::heap_block;
    std::unique_ptr<int*[]> all{new int*[100000]{}};
    explicit large_block(int& local) { all[77777] = &local; }
    int* kept() const { return all[77777]; }
};

bool is_kept_right = false;

template <class Escape>
[[gnu::noinline]] void give_away_a_local() {
    alignas(16) int local[8] = {1};
    Escape escape{local[0]};
    test::use_stack(100000);
    test::opaque(&escape);
    test::opaque(local);
}

template <class Escape>
[[gnu::noinline]] void give_away_a_pinned_local() {
    const growstack::pin pin;
    alignas(16) int local[8] = {1};
    Escape escape{local[0]};
    test::use_stack(100000);
    is_kept_right = escape.kept() == local;
    test::opaque(local);
}

} // namespace

#define EACH_ESCAPE                                                                                            \
    global_variable, thread_local_variable, shared_past_its_frame, captured_by_reference, sent_over_a_channel, \
        stored_in_a_container, container_storage_reallocated, behind_a_virtual_call, intrusive_list_node,      \
        wait_queue_node, thread_by_reference, exception_pointer, iterator_in_a_heap_object, growstacks_heap,   \
        large_block

TEST_CASE_TEMPLATE("the audit names the place that keeps a local's address, and the local's function", Escape,
                   EACH_ESCAPE) {
    const auto found = findings_in_coroutine(give_away_a_local<Escape>);
    const auto is_it = [](const record& r) {
        return r.place == Escape::place && test::contains(r.function, "give_away_a_local");
    };
    const auto first = std::find_if(found.begin(), found.end(), is_it);
    REQUIRE_MESSAGE(first != found.end(), all_texts(found));
    CHECK_MESSAGE(test::contains(first->text, "growstack: audit: stale pointer in "), first->text);
    CHECK_MESSAGE(test::contains(first->text, "into the frame of "), first->text);
    CHECK_MESSAGE(test::contains(first->text, "\n    test::"), first->text); // who had it moved
    CHECK(first->backtrace_frames >= 2);
    if (Escape::place == audit_finding::heap_block) CHECK_MESSAGE(first->offset < first->object_bytes, first->text);
}

TEST_CASE_TEMPLATE("a pin is the remedy: nothing is found, and the address holds", Escape, EACH_ESCAPE) {
    is_kept_right = false;
    const auto found = findings_in_coroutine(give_away_a_pinned_local<Escape>);
    CHECK_MESSAGE(found.empty(), all_texts(found));
    CHECK(is_kept_right);
}

TEST_CASE("a global is named, and the words of one are one finding") {
    static int* all[4];
    test::opaque(all);
    const auto found = findings_in_coroutine([] {
        int local = 0;
        all[1] = all[3] = &local;
        in_a_global = &local;
        test::use_stack(100000);
        test::opaque(all);
        all[1] = all[3] = in_a_global = nullptr;
        test::opaque(&local);
    });
    REQUIRE_MESSAGE(found.size() == 2, all_texts(found));
    const record& one = found[found[0].words == 1 ? 0 : 1];
    const record& array = found[&one == &found[0] ? 1 : 0];
    CHECK_MESSAGE(test::contains(one.text, "in global (anonymous namespace)::in_a_global, in "), one.text);
    CHECK_MESSAGE(test::contains(array.name, "::all, in "), array.name);
    CHECK(array.words == 2);
    CHECK(array.offset == 8);
    // Clang's AddressSanitizer makes a red zone a part of each global.
    CHECK((array.object_bytes == sizeof all ||
           (growstack::grow::has_address_sanitizer && array.object_bytes == 2 * sizeof all)));
}

extern "C" void __morestack();

namespace {

// A function with a check, for a frame of 256 KiB, that no file holds.
using function = void();
function* made_code() {
    unsigned char code[] = {0x41, 0xba, 0,    0,   4, 0,             // mov $0x40000, %r10d
                            0x41, 0xbb, 0,    0,   0, 0,             // mov $0, %r11d
                            0x48, 0xb8, 0,    0,   0, 0, 0, 0, 0, 0, // movabs $__morestack, %rax
                            0xff, 0xd0, 0xc3, 0xc3};                 // call *%rax; ret; the body: ret
    const auto target = reinterpret_cast<std::uintptr_t>(&__morestack);
    std::memcpy(code + 14, &target, sizeof target);
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memcpy(page, code, sizeof code);
    ::mprotect(page, 4096, PROT_READ | PROT_EXEC);
    return reinterpret_cast<function*>(page);
}

} // namespace

TEST_CASE("code that lies in no file has no name in the report") {
    static function* code;
    code = made_code();
    const auto found = findings_in_coroutine([] {
        int local = 0;
        in_a_global = &local;
        code();
        test::opaque(&local);
        in_a_global = nullptr;
    });
    REQUIRE_MESSAGE(found.size() == 1, all_texts(found));
    CHECK_MESSAGE(test::contains(found[0].text, "\n    ?\n"), found[0].text);
    ::munmap(reinterpret_cast<void*>(code), 4096);
}

TEST_CASE("a root is the other remedy") {
    const auto found = findings_in_coroutine([] {
        int local = 1;
        const auto kept = std::make_unique<growstack::root<int*>>(&local);
        test::use_stack(100000);
        is_kept_right = **kept == 1 && *kept == &local;
    });
    CHECK_MESSAGE(found.empty(), all_texts(found));
    CHECK(is_kept_right);
}

TEST_CASE("what a move re-points is not reported: frames, captures, dependents, and theirs") {
    const auto found = findings_in_coroutine([] {
        int local = 1;
        int* on_the_stack[3] = {&local, nullptr, &local};
        growstack::coroutine<> child{[&local, &on_the_stack] {
            growstack::coroutine<> grandchild{[&local] {
                test::opaque(&local);
                this_coroutine::yield();
                test::opaque(&local);
            }};
            grandchild.resume();
            test::opaque(on_the_stack);
            this_coroutine::yield();
            grandchild.resume();
        }};
        growstack::coroutine<> not_started{[&local] { test::opaque(&local); }};
        child.resume();
        test::use_stack(100000);
        child.resume();
        test::opaque(on_the_stack);
    });
    CHECK_MESSAGE(found.empty(), all_texts(found));
}

TEST_CASE("freed blocks are not reported, whoever has them then") {
    const auto found = findings_in_coroutine([] {
        int local = 1;
        std::vector<std::unique_ptr<int*[]>> blocks;
        for (std::size_t words = 1; words < 100000; words *= 2)
            for (int i = 0; i < 20; ++i) {
                blocks.emplace_back(new int*[words]);
                std::fill_n(blocks.back().get(), words, &local);
            }
        blocks.clear();
        for (std::size_t words = 1; words < 1000; words *= 2) {
            auto* const block = static_cast<int**>(growstack::heap::resource()->allocate(words * 8));
            std::fill_n(block, words, &local);
            growstack::heap::resource()->deallocate(block, words * 8);
        }
        test::use_stack(100000);
        test::opaque(&local);
    });
    CHECK_MESSAGE(found.empty(), all_texts(found));
}

TEST_CASE("another coroutine's stack that keeps a local's address is named by its id") {
    static int* handed_over;
    const void* keeper_id = nullptr;
    const auto found = findings_of([&] {
        growstack::coroutine<growstack::segmented_stack> keeper{[] {
            int* kept = handed_over;
            handed_over = nullptr;
            test::opaque(&kept);
            this_coroutine::yield();
            test::opaque(&kept);
        }};
        keeper_id = keeper.id();
        growstack::coroutine<> c{[&keeper] {
            int local = 1;
            handed_over = &local;
            keeper.resume();
            test::use_stack(100000);
            test::opaque(&local);
        }};
        c.resume();
        keeper.resume();
    });
    REQUIRE_MESSAGE(found.size() >= 1, all_texts(found));
    const bool is_named = std::any_of(found.begin(), found.end(), [&](const record& r) {
        return r.place == audit_finding::coroutine_stack && r.object == keeper_id;
    });
    CHECK_MESSAGE(is_named, all_texts(found));
}

TEST_CASE("the thread's own frames that keep a coroutine's local are reported") {
    int* outside = nullptr;
    are_thread_frames_wanted = true;
    const auto found = findings_of([&outside] {
        growstack::coroutine<> c{[&outside] {
            int local = 1;
            outside = &local;
            this_coroutine::yield();
            test::use_stack(100000);
            test::opaque(&local);
        }};
        c.resume();
        c.resume();
    });
    are_thread_frames_wanted = false;
    const bool is_named = std::any_of(found.begin(), found.end(),
                                      [](const record& r) { return r.place == audit_finding::thread_stack; });
    CHECK_MESSAGE(is_named, all_texts(found));
    test::opaque(&outside);
}

TEST_CASE("each finding is told once") {
    const auto found = findings_in_coroutine([] {
        int local = 1;
        const auto kept = std::make_unique<int*>(&local);
        test::opaque(kept.get()); // or Clang needs no heap for it
        for (std::size_t bytes = 50000; bytes < 3000000; bytes *= 2) {
            test::use_stack(bytes);
            *kept = &local;
        }
        test::opaque(&local);
    });
    CHECK_MESSAGE(found.size() == 1, all_texts(found));
}

TEST_CASE("a move by shrink() names the suspended function, and the caller of shrink()") {
    const auto kept = std::make_unique<int*>();
    const auto found = findings_of([&kept] {
        growstack::coroutine<> c{[&kept] {
            test::use_stack(100000);
            give_away_a_local<global_variable>(); // some frames
            int local = 1;
            *kept = &local;
            this_coroutine::yield();
            test::opaque(&local);
        }};
        c.resume();
        CHECK(c.shrink());
    });
    const auto it = std::find_if(found.begin(), found.end(),
                                 [&](const record& r) { return r.place == audit_finding::heap_block; });
    REQUIRE_MESSAGE(it != found.end(), all_texts(found));
    CHECK_MESSAGE(!it->function.empty(), it->text);
    CHECK_MESSAGE(test::contains(it->text, "shrink"), it->text);
}

TEST_CASE("without a hook the audit prints") {
    const auto end = test::run_in_child([] {
        growstack::set_stress({});
        growstack::set_audit(true);
        test::run<test::contiguous>([] {
            int local = 1;
            in_a_global = &local;
            test::use_stack(100000);
            test::opaque(&local);
        });
    });
    CHECK(end.signal == 0);
    CHECK_MESSAGE(
        test::contains(end.error_text, "growstack: audit: stale pointer in global (anonymous namespace)::in_a_global"),
        end.error_text);
}

TEST_CASE("a local's address is given away: run by the next test" * doctest::skip()) {
    const auto modes = growstack::set_stress({});
    test::run<test::contiguous>([] { give_away_a_local<global_variable>(); });
    growstack::set_stress(modes);
}

namespace {

template <char value>
void run_with_setting() {
    const char setting[] = {value, '\0'};
    ::setenv("GROWSTACK_AUDIT", setting, 1);
    ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO); // its closing line is not this program's
    ::execl("/proc/self/exe", "tests", "--no-skip", "--test-case=a local's address is given away*", nullptr);
}

} // namespace

TEST_CASE("the environment switches the audit on from the start, and says what it does not understand") {
    const auto on = test::run_in_child(run_with_setting<'1'>);
    CHECK(on.exit_code == 0);
    CHECK_MESSAGE(test::contains(on.error_text, "growstack: audit: stale pointer in global "), on.error_text);
    const auto off = test::run_in_child(run_with_setting<'0'>);
    CHECK(off.exit_code == 0);
    CHECK_MESSAGE(!test::contains(off.error_text, "audit"), off.error_text);
    const auto wrong = test::run_in_child(run_with_setting<'2'>);
    CHECK(wrong.exit_code == 0);
    CHECK_MESSAGE(test::contains(wrong.error_text, "growstack: GROWSTACK_AUDIT: '2' is neither 1 nor 0"),
                  wrong.error_text);
}

TEST_CASE("the audit is off, and finds nothing, until it is switched on") {
    std::vector<record> found;
    records = &found;
    const auto hook = growstack::set_audit_hook(note);
    test::run<test::contiguous>([] { give_away_a_local<global_variable>(); });
    growstack::set_audit_hook(hook);
    CHECK(found.empty());
}

GROWSTACK_AS_BUILT
