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

} // namespace CONFIG
