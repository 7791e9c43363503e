// The address of a local is kept in another form than a plain, aligned pointer. No search of memory finds such an
// address.
#include "idioms.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

namespace {

using word = std::uintptr_t;

// Compilers may assume that a pointer leads only where the pointer that it was computed from leads. These let them
// forget what they know.
word as_word(const void* p) {
    show(p);
    return reinterpret_cast<word>(p);
}
int* as_pointer(word w) {
    asm volatile("" : "+r"(w));
    return reinterpret_cast<int*>(w);
}

/// Some address that is not on the stack, to measure from.
alignas(8) char base[8];

/// Changes the local after growth, and returns whether the pointer that `decode` makes then sees it.
template <class Decode>
bool finds(int& local, Decode decode) {
    grow();
    local += 41;
    return *decode() == local;
}

/// A pointer that keeps the distance from itself, as for memory that is mapped at several addresses.
class offset_pointer {
public:
    explicit offset_pointer(int* to) : offset_(as_word(to) - as_word(this)) {}
    offset_pointer(const offset_pointer&) = delete;
    int* get() const { return as_pointer(as_word(this) + offset_); }

private:
    word offset_;
};

/// A list that one can walk both ways with one word in each node: the xor of its neighbours.
struct xor_node {
    word both = 0;
    int value = 0;
};

constexpr word key = 0x9e3779b97f4a7c15;

} // namespace

IDIOM(xor_with_key, encoded, "xor-ed with a key") {
    int local = 1;
    word hidden = as_word(&local) ^ key;
    show(&hidden);
    return finds(local, [&] { return as_pointer(hidden ^ key); });
}

IDIOM(xor_list, encoded, "the xor of the two neighbours, in a list whose nodes are two locals and one in the heap") {
    xor_node a, b;
    auto c = in_heap<xor_node>();
    a.both = as_word(&b);
    b.both = as_word(&a) ^ as_word(c.get());
    show(&a);
    show(&b);
    grow();
    const word third = as_word(&a) ^ b.both;
    return a.both == as_word(&b) && third == as_word(c.get());
}

IDIOM(xor_of_neighbours, encoded, "the xor of two locals side by side: a move changes both in the same bits") {
    alignas(64) xor_node both[2];
    word difference = as_word(&both[0]) ^ as_word(&both[1]);
    show(&difference);
    grow();
    return (as_word(&both[0]) ^ difference) == as_word(&both[1]);
}

IDIOM(xor_of_two_locals, encoded, "the xor of two addresses: the one gives the other") {
    int a = 1, b = 2;
    word both = as_word(&a) ^ as_word(&b);
    const word first = as_word(&a) ^ key;
    show(&both);
    show(&first);
    return finds(b, [&] { return as_pointer(first ^ key ^ both); });
}

IDIOM(complement, encoded, "all bits turned round") {
    int local = 1;
    word hidden = ~as_word(&local);
    show(&hidden);
    return finds(local, [&] { return as_pointer(~hidden); });
}

IDIOM(negated, encoded, "negated") {
    int local = 1;
    word hidden = -as_word(&local);
    show(&hidden);
    return finds(local, [&] { return as_pointer(-hidden); });
}

IDIOM(tag_in_low_bits, encoded, "a mark in the lowest bits, which are 0 otherwise") {
    alignas(8) int local = 1;
    word marked = as_word(&local) | 3;
    show(&marked);
    return finds(local, [&] { return as_pointer(marked & ~word{7}); });
}

IDIOM(tag_in_high_bits, encoded, "a mark in the highest 16 bits") {
    int local = 1;
    word marked = as_word(&local) | word{0xabcd} << 48;
    show(&marked);
    return finds(local, [&] { return as_pointer(marked << 16 >> 16); });
}

IDIOM(boxed_in_a_double, encoded, "the payload of a NaN, as of a script engine's values") {
    int local = 1;
    double boxed = std::bit_cast<double>(as_word(&local) | word{0x7ff8} << 48);
    show(&boxed);
    return finds(local, [&] { return as_pointer(std::bit_cast<word>(boxed) << 16 >> 16); });
}

IDIOM(shifted_with_type, encoded, "shifted left, with a type in the lowest bits, as of Lisp") {
    int local = 1;
    word boxed = as_word(&local) << 4 | 9;
    show(&boxed);
    return finds(local, [&] { return as_pointer(boxed >> 4); });
}

IDIOM(counter_in_high_bits, encoded, "an atomic word: the address and how often it changed, against the ABA problem") {
    int local = 1;
    std::atomic<word> head{as_word(&local) | word{1} << 48};
    show(&head);
    return finds(local, [&] {
        head += word{1} << 48;
        return as_pointer(head.load() << 16 >> 16);
    });
}

IDIOM(bit_field, encoded, "48 bits of a word, and a count in the rest") {
    struct packed {
        word address : 48;
        word count : 16;
    };
    int local = 1;
    packed p{as_word(&local) & 0xffff'ffff'ffff, 12};
    show(&p);
    return finds(local, [&] { return p.count == 12 ? as_pointer(p.address) : nullptr; });
}

IDIOM(six_bytes, encoded, "the six bytes that matter, one after the other in an array of bytes") {
    int local = 1;
    unsigned char bytes[7] = {};
    const word address = as_word(&local);
    std::memcpy(bytes + 1, &address, 6);
    show(bytes);
    return finds(local, [&] {
        word back = 0;
        std::memcpy(&back, bytes + 1, 6);
        return as_pointer(back);
    });
}

IDIOM(packed_struct, encoded, "a packed struct, where it is not aligned") {
    struct [[gnu::packed]] message {
        char kind;
        int* to;
    };
    alignas(8) message m{'m', nullptr};
    int local = 1;
    m.to = &local;
    show(&m);
    return finds(local, [&] { return m.to; });
}

IDIOM(unaligned_in_buffer, encoded, "copied to an odd place of a buffer, as of a message") {
    alignas(8) char buffer[32] = {};
    int local = 1;
    int* const p = &local;
    std::memcpy(buffer + 5, &p, sizeof p);
    show(buffer);
    return finds(local, [&] {
        int* back = nullptr;
        std::memcpy(&back, buffer + 5, sizeof back);
        return back;
    });
}

IDIOM(two_halves, encoded, "two halves of 32 bits in different places") {
    int local = 1;
    struct {
        std::uint32_t high, other, low;
    } parts{static_cast<std::uint32_t>(as_word(&local) >> 32), 0, static_cast<std::uint32_t>(as_word(&local))};
    show(&parts);
    return finds(local, [&] { return as_pointer(word{parts.high} << 32 | parts.low); });
}

IDIOM(offset_to_global, encoded, "the distance from a global") {
    int local = 1;
    word offset = as_word(&local) - as_word(base);
    show(&offset);
    return finds(local, [&] { return as_pointer(as_word(base) + offset); });
}

IDIOM(offset_from_heap, encoded, "an offset pointer in the heap: the distance from itself") {
    int local = 1;
    auto p = in_heap<offset_pointer>(&local);
    return finds(local, [&] { return p->get(); });
}

IDIOM(offset_to_heap, encoded,
      "an offset pointer on the stack that leads to the heap: it moves, and its target does not") {
    auto target = in_heap<int>(1);
    const offset_pointer local{target.get()};
    show(&local);
    grow();
    return local.get() == target.get();
}

IDIOM(page_and_place, encoded, "the number of the page, and the place in it") {
    int local = 1;
    struct {
        word page;
        std::uint16_t place;
    } parts{as_word(&local) >> 12, static_cast<std::uint16_t>(as_word(&local) & 4095)};
    show(&parts);
    return finds(local, [&] { return as_pointer(parts.page << 12 | parts.place); });
}

IDIOM(multiplied, encoded, "multiplied by an odd number, which its inverse undoes") {
    static_assert(0xaaaa'aaaa'aaaa'aaab * word{3} == 1);
    int local = 1;
    word hidden = as_word(&local) * 3;
    show(&hidden);
    return finds(local, [&] { return as_pointer(hidden * 0xaaaa'aaaa'aaaa'aaab); });
}

IDIOM(rotated, encoded, "rotated, as the C library keeps a `jmp_buf`'s registers") {
    int local = 1;
    word hidden = std::rotl(as_word(&local) ^ key, 17);
    show(&hidden);
    return finds(local, [&] { return as_pointer(std::rotr(hidden, 17) ^ key); });
}

IDIOM(bytes_reversed, encoded, "in the byte order of the network") {
    int local = 1;
    word hidden = __builtin_bswap64(as_word(&local));
    show(&hidden);
    return finds(local, [&] { return as_pointer(__builtin_bswap64(hidden)); });
}

IDIOM(text_of_address, encoded, "printed as text, as of a handle in a protocol") {
    int local = 1;
    char text[20] = {};
    std::to_chars(text, text + sizeof text, as_word(&local), 16);
    show(text);
    return finds(local, [&] {
        word back = 0;
        std::from_chars(text, text + std::strlen(text), back, 16);
        return as_pointer(back);
    });
}

IDIOM(printed_pointer, encoded, "printed by `%p` and read back by `%p`") {
    int local = 1;
    char text[32];
    std::snprintf(text, sizeof text, "%p", static_cast<void*>(&local));
    show(text);
    return finds(local, [&] {
        void* back = nullptr;
        return std::sscanf(text, "%p", &back) == 1 ? static_cast<int*>(back) : &local - 1;
    });
}

IDIOM(sum_of_two, encoded, "a sum of two addresses, from which the one is taken away again") {
    int a = 1;
    auto b = in_heap<int>(2);
    word sum = as_word(&a) + as_word(b.get());
    show(&sum);
    return finds(a, [&] { return as_pointer(sum - as_word(b.get())); });
}

IDIOM(distances_between, encoded, "an array of distances, each from the one before, that begins at a global") {
    int locals[3] = {1, 2, 3};
    std::array<word, 3> steps{as_word(&locals[0]) - as_word(base), sizeof(int), sizeof(int)};
    show(&steps);
    return finds(locals[2], [&] { return as_pointer(as_word(base) + steps[0] + steps[1] + steps[2]); });
}
