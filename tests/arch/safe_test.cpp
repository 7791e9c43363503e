// In a safe build: addresses of the native stack that Clang itself makes. Its plugin (packaging/llvm) tells growstack
// of those that do not lie on the escape stack.
#include "../support.hpp"

#include <cstdarg>

#if defined __clang__ && __has_feature(safe_stack) && !defined NO_PLUGIN

namespace {

using test::number;

std::va_list kept;
void* buffer[5];

// Adds `count` longs, each with its place as weight, from a list that is no local, and has the stack grow between.
long add_from_global(int count, ...) {
    va_start(kept, count);
    long total = 0;
    for (int i = 1; i <= count; ++i) {
        test::use_stack(20000);
        total += i * va_arg(kept, long);
    }
    va_end(kept);
    return total;
}

void copy(std::va_list list) { va_copy(kept, list); }

long add_from_copy(int count, ...) {
    std::va_list list;
    va_start(list, count);
    copy(list);
    long total = 0;
    for (int i = 1; i <= count; ++i) {
        test::use_stack(20000);
        total += i * va_arg(kept, long);
    }
    va_end(list);
    return total;
}

[[gnu::noinline]] void jump_back() {
    test::use_stack(20000);
    __builtin_longjmp(buffer, 1);
}

// With an alloca of unknown size: LLVM would save the escape pointer for the stack pointer.
[[gnu::noinline]] bool returns_by_jump() {
    auto* const bytes = static_cast<volatile char*>(__builtin_alloca(static_cast<std::size_t>(number(100))));
    bytes[0] = 7;
    test::opaque(bytes);
    if (__builtin_setjmp(buffer)) return bytes[0] == 7;
    jump_back();
    return false;
}

} // namespace

TEST_CASE_TEMPLATE("in a safe build a va_list in a global stays good while the stack grows", Kind,
                   GROWSTACK_EACH_KIND) {
    long of_global = 0, of_copy = 0;
    test::run<Kind>([&] {
        of_global = add_from_global(9, number(1), 2L, 3L, 4L, 5L, 6L, 7L, 8L, number(9));
        of_copy = add_from_copy(9, number(1), 2L, 3L, 4L, 5L, 6L, 7L, 8L, number(9));
    });
    CHECK(of_global == 285);
    CHECK(of_copy == 285);
}

TEST_CASE_TEMPLATE("in a safe build __builtin_longjmp comes back over growth", Kind, GROWSTACK_EACH_KIND) {
    bool is_right = true;
    test::run<Kind>([&] {
        for (int i = 0; i < 10; ++i) is_right &= returns_by_jump();
        test::use_stack(20000);
    });
    CHECK(is_right);
}

#endif
