// What random programs are made of. Included by each batch of them, within the compiler, -O level and check that CONFIG
// stands for: all of it lies in a namespace of that name, so that the linker takes nothing of one configuration for
// another.
#pragma once

#include "marks.h"
#include "run.hpp"

#include <growstack/call.hpp>

#include <alloca.h>

#include <cstdarg>
#include <cstring>
#include <utility>

// Clang refuses variadic functions with checks.
#ifdef __clang__
#define VARIADIC [[gnu::no_split_stack]]
#else
#define VARIADIC
#endif

// Frames larger than 16 KiB are for code with checks only.
#if CHECKED
#define LARGE(bytes) (bytes)
#else
#define LARGE(bytes) 1
#endif

namespace CONFIG {

using number = unsigned long;
using two [[gnu::vector_size(16)]] = number;

struct pair {
    number* to;
    number value;
};
struct failure {
    number value;
};

static number mix(number a, number b) { return (a ^ (a >> 7)) * 0x9e3779b97f4a7c15u + b; }
static number sum(pair p) { return p.value + *p.to; }
static number sum(two v) { return v[0] ^ v[1]; }
static number sum(double d) { return static_cast<number>(d * 8); }
static double eighths(number x) { return static_cast<double>(x % 10000) / 8; }
static void hide(void* p) { asm volatile("" : : "r"(p) : "memory"); }

// Every function spends some, and recursion ends when it is gone.
static number fuel;
static bool spend() { return fuel && fuel--; }

[[gnu::noinline]] static number recurse(unsigned levels, number* p, number x) {
    number here = x;
    number* both[2] = {p, &here};
    if (levels && spend()) here += recurse(levels - 1, both[levels % 2], x + levels);
    return *both[0] + here;
}

struct shape {
    virtual number turn(number x, number* p) const { return x * 31 + *p; }
    virtual pair up(number* p) const { return {p, *p}; }
    virtual ~shape() = default;
};

struct round_shape : shape {
    number own = 7;
    const number* inside = &own;
    round_shape() = default;
    round_shape(const round_shape&) = delete;
    number turn(number x, number* p) const override;
    pair up(number* p) const override;
};

[[gnu::noinline]] number round_shape::turn(number x, number* p) const {
    yield();
    return mix(x, *p) + *inside + (inside == &own);
}
[[gnu::noinline]] pair round_shape::up(number* p) const { return {p, recurse(2, p, *inside)}; }

// Grows while an exception is in flight.
struct at_end {
    number* to;
    number value;
    ~at_end() {
        number x = recurse(3, to, value);
        *to = *to * 33 + x;
    }
};

// As std::string: short text lies in the object, which points to it.
class text {
public:
    text(unsigned size, char filling) : data_{size < sizeof here_ ? here_ : new char[size]}, size_{size} {
        std::memset(data_, filling, size);
    }
    text(const text&) = delete;
    ~text() {
        if (data_ != here_) delete[] data_;
    }
    number hash() const {
        number x = size_;
        for (unsigned i = 0; i < size_; ++i) x = x * 31 + static_cast<number>(data_[i]);
        return x;
    }

private:
    char* data_;
    unsigned size_;
    char here_[16];
};

// As std::function, of one word.
class erased {
public:
    erased(number* p, number (*run)(number*, number)) : p_{p}, run_{run} {}
    number operator()(number x) const { return run_(p_, x); }

private:
    number* p_;
    number (*run_)(number*, number);
};

VARIADIC [[gnu::noinline]] static number visit(const char* kinds, ...) {
    va_list arguments;
    va_start(arguments, kinds);
    number total = 1;
    for (; *kinds; ++kinds) {
        if (*kinds == 'n') total = mix(total, va_arg(arguments, number));
        else if (*kinds == 'p') total = mix(total, *va_arg(arguments, number*));
        else if (*kinds == 'd') total = mix(total, sum(va_arg(arguments, double)));
        else total = mix(total, sum(va_arg(arguments, pair)));
        total += recurse(2, &total, total);
    }
    va_end(arguments);
    return total;
}

// Runs f in a coroutine of its own, whose captures point into this stack.
template <class F>
static void in_coroutine(F f) {
    nested([](void* p) { (*static_cast<F*>(p))(); }, &f);
}

#if SAFE
// Where addresses of locals are kept, in forms that no move can follow: each as long as an object lives, and back to
// what was there before.
static number* kept_in_global;
static thread_local number* kept_in_thread;
static number kept_xored;
static unsigned kept_halves[2];

class in_global {
public:
    explicit in_global(number* p) : before_{kept_in_global} { kept_in_global = p; }
    ~in_global() { kept_in_global = before_; }
    in_global(const in_global&) = delete;
    number& operator*() const { return *kept_in_global; }

private:
    number* before_;
};

class in_thread {
public:
    explicit in_thread(number* p) : before_{kept_in_thread} { kept_in_thread = p; }
    ~in_thread() { kept_in_thread = before_; }
    in_thread(const in_thread&) = delete;
    number& operator*() const { return *kept_in_thread; }

private:
    number* before_;
};

class xored {
public:
    explicit xored(number* p) : before_{kept_xored} { kept_xored = reinterpret_cast<number>(p) ^ key; }
    ~xored() { kept_xored = before_; }
    xored(const xored&) = delete;
    number& operator*() const { return *reinterpret_cast<number*>(kept_xored ^ key); }

private:
    static constexpr number key = 0xa5a5a5a5a5a5a5a5u;
    number before_;
};

class in_halves {
public:
    explicit in_halves(number* p) : before_{kept_halves[0], kept_halves[1]} {
        kept_halves[0] = static_cast<unsigned>(reinterpret_cast<number>(p));
        kept_halves[1] = static_cast<unsigned>(reinterpret_cast<number>(p) >> 32);
    }
    ~in_halves() { std::memcpy(kept_halves, before_, sizeof before_); }
    in_halves(const in_halves&) = delete;
    number& operator*() const {
        return *reinterpret_cast<number*>(kept_halves[0] | static_cast<number>(kept_halves[1]) << 32);
    }

private:
    unsigned before_[2];
};

// With a mark in a bit that is always 0.
class in_heap {
public:
    explicit in_heap(number* p) : kept_{new number{reinterpret_cast<number>(p) | 1}} {}
    ~in_heap() { delete kept_; }
    in_heap(const in_heap&) = delete;
    number& operator*() const { return *reinterpret_cast<number*>(*kept_ - 1); }

private:
    number* kept_;
};

// A set of addresses, by their hashes: a local that has been put there must be found.
class hashed {
public:
    explicit hashed(number* p) : p_{p} { last = new entry{hash(p), last}; }
    ~hashed() { delete std::exchange(last, last->older); }
    hashed(const hashed&) = delete;
    number& operator*() const {
        number steps = 1;
        for (const entry* e = last; e && e->hash != hash(p_); e = e->older) ++steps;
        *p_ += steps;
        return *p_;
    }

private:
    struct entry {
        number hash;
        entry* older;
    };
    static number hash(number* p) { return mix(reinterpret_cast<number>(p), 1); }
    static entry* last;
    number* p_;
};
hashed::entry* hashed::last;
#endif

} // namespace CONFIG
