// Frames that are large, aligned or of a size that only the call knows: alloca and variable arrays.
#include "../support.hpp"

#include <alloca.h>

#include <cstdint>
#include <cstring>
#include <string>

#pragma GCC diagnostic ignored "-Wvla"

namespace {

// Compilers may assume what alignas promises; this asks the address itself.
bool is_aligned(const volatile void* address, std::uintptr_t alignment) {
    asm volatile("" : "+r"(address));
    return reinterpret_cast<std::uintptr_t>(address) % alignment == 0;
}

template <std::size_t alignment>
[[gnu::noinline]] int misaligned(std::size_t levels) {
    alignas(alignment) volatile unsigned char here[alignment];
    here[0] = static_cast<unsigned char>(levels);
    here[alignment - 1] = 7;
    const volatile unsigned char* const before = here;
    int wrong = !is_aligned(here, alignment);
    if (levels) wrong += misaligned<alignment>(levels - 1);
    wrong += !is_aligned(here, alignment) || before != here;
    wrong += here[0] != static_cast<unsigned char>(levels) || here[alignment - 1] != 7;
    return wrong;
}

template <std::size_t bytes>
[[gnu::noinline]] bool large_frame() {
    volatile unsigned char local[bytes];
    for (std::size_t i = 0; i < bytes; i += 64) local[i] = static_cast<unsigned char>(i / 64);
    test::use_stack(1000);
    for (std::size_t i = 0; i < bytes; i += 64)
        if (local[i] != static_cast<unsigned char>(i / 64)) return false;
    return true;
}

[[gnu::noinline]] bool alloca_of(std::size_t bytes) {
    std::string guard = "guard";
    auto* p = static_cast<unsigned char*>(alloca(bytes));
    test::opaque(p);
    std::memset(p, 0x5a, bytes);
    test::use_stack(2000);
    for (std::size_t i = 0; i < bytes; ++i)
        if (p[i] != 0x5a) return false;
    return guard == "guard" && is_aligned(p, 16);
}

[[gnu::noinline]] bool array_of(long count) {
    long values[count];
    long* const end = values + count;
    for (long* v = values; v != end; ++v) *v = v - values;
    test::use_stack(2000);
    long sum = 0;
    for (long* v = values; v != end; ++v) sum += *v;
    return sum == count * (count - 1) / 2;
}

struct link {
    link* next;
    long* total;
    long value;
};

// A list through allocas in a loop; each entry points into the frame too.
[[gnu::noinline]] bool list_of_allocas(int count, std::size_t padding_bytes) {
    long total = 0;
    link* first = nullptr;
    for (int i = 0; i < count; ++i) {
        auto* l = static_cast<link*>(alloca(sizeof(link) + padding_bytes));
        test::opaque(l);
        *l = {first, &total, i};
        first = l;
        if (i % 16 == 0) test::use_stack(500);
    }
    test::use_stack(3000);
    for (link* l = first; l; l = l->next) *l->total += l->value;
    return total == static_cast<long>(count) * (count - 1) / 2;
}

// Each level has an alloca of its own that a deeper level writes to.
[[gnu::noinline]] long nested_allocas(long* above, std::size_t levels) {
    auto* mine = static_cast<long*>(alloca(256 + levels % 7 * 16));
    test::opaque(mine);
    *mine = 1;
    if (above) *above += 1;
    if (levels) nested_allocas(mine, levels - 1);
    return *mine;
}

} // namespace

TEST_CASE_TEMPLATE("over-aligned frames stay aligned when the stack moves", Kind, GROWSTACK_EACH_KIND) {
    int wrong_32 = -1, wrong_64 = -1, wrong_128 = -1, wrong_4096 = -1;
    test::run<Kind>([&] { wrong_32 = misaligned<32>(test::depth(800)); });
    test::run<Kind>([&] { wrong_64 = misaligned<64>(test::depth(800)); });
    test::run<Kind>([&] { wrong_128 = misaligned<128>(test::depth(400)); });
    test::run<Kind>([&] { wrong_4096 = misaligned<4096>(test::depth(40)); });
    CHECK(wrong_32 == 0);
    CHECK(wrong_64 == 0);
    CHECK(wrong_128 == 0);
    CHECK(wrong_4096 == 0);
}

TEST_CASE_TEMPLATE("over-aligned frames are aligned wherever the check fails", Kind, GROWSTACK_EACH_GROWING_KIND) {
    int wrong = 0;
    test::for_each_room([&](std::size_t room) {
        test::run<Kind>([&] { test::with_room(room, [&] { wrong += misaligned<64>(2) + misaligned<4096>(1); }); });
    });
    CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("a frame may be larger than the stack and the chunk", Kind, GROWSTACK_EACH_KIND) {
    bool is_right[4] = {};
    test::run<Kind>([&] {
        is_right[0] = large_frame<1000>();
        is_right[1] = large_frame<20 * 1024>();
        is_right[2] = large_frame<100 * 1024>();
        is_right[3] = large_frame<500 * 1024>();
    });
    for (bool b : is_right) CHECK(b);
}

TEST_CASE_TEMPLATE("alloca works with any size, small and larger than the stack", Kind, GROWSTACK_EACH_KIND) {
    int wrong = 0;
    test::run<Kind>([&] {
        for (std::size_t bytes : {0, 1, 8, 100, 255, 256, 1000, 4096, 7000, 9000, 20000, 100000, 300000})
            wrong += !alloca_of(bytes);
        for (std::size_t bytes = 300000; bytes > 1; bytes /= 3) wrong += !alloca_of(bytes);
    });
    CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("variable arrays work with any size", Kind, GROWSTACK_EACH_KIND) {
    int wrong = 0;
    test::run<Kind>([&] {
        for (long count = 1; count < 50000; count = count * 3 + 1) wrong += !array_of(count);
    });
    CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("alloca works at every distance from the limit", Kind, GROWSTACK_EACH_GROWING_KIND) {
    int wrong = 0;
    test::for_each_room([&](std::size_t room) {
        test::run<Kind>([&] {
            test::with_room(room,
                            [&] { wrong += !alloca_of(40) + !alloca_of(1000) + !alloca_of(6000) + !array_of(300); });
        });
    });
    CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("allocas in a loop live until their function returns", Kind, GROWSTACK_EACH_KIND) {
    bool is_right[3] = {};
    test::run<Kind>([&] {
        is_right[0] = list_of_allocas(1000, 0);
        is_right[1] = list_of_allocas(200, 500);
        is_right[2] = list_of_allocas(20, 20000);
    });
    for (bool b : is_right) CHECK(b);
}

TEST_CASE_TEMPLATE("allocas of many frames are written to through pointers", Kind, GROWSTACK_EACH_KIND) {
    long value = 0;
    test::run<Kind>([&] { value = nested_allocas(nullptr, test::depth(600)); });
    CHECK(value == 2);
}

TEST_CASE_TEMPLATE("what allocas took is given back while the coroutine lives", Kind, GROWSTACK_EACH_GROWING_KIND) {
    std::size_t most_bytes = 0;
    test::run<Kind>([&] {
        for (int i = 0; i < 300; ++i) {
            if (!alloca_of(50000)) most_bytes = SIZE_MAX;
            const std::size_t now = growstack::this_coroutine::stats().stack_bytes;
            if (now > most_bytes) most_bytes = now;
        }
    });
    CHECK(most_bytes < 1000000);
}

TEST_CASE_TEMPLATE("an alloca lives across a yield and is freed with the coroutine", Kind, GROWSTACK_EACH_KIND) {
    bool is_right = false;
    {
        test::coroutine<Kind> c{[&] {
                                    auto* p = static_cast<char*>(alloca(60000));
                                    test::opaque(p);
                                    std::strcpy(p + 59000, "still here");
                                    growstack::this_coroutine::yield();
                                    test::use_stack(5000);
                                    is_right = std::string{p + 59000} == "still here";
                                    growstack::this_coroutine::yield();
                                },
                                Kind::options};
        c.resume();
        c.resume();
    }
    CHECK(is_right);
}
