#!/usr/bin/env python3
"""Prints a random C++ program that must compute the same on every stack: generate.py SEED.

Functions call one another, always later ones, so that every run ends. They take numbers, pointers to their callers' locals, structs by
value, references and variable arguments; keep pointers to themselves in their locals; use alloca, virtual calls, exceptions,
lambdas and recursion; and yield. Unsigned arithmetic only: there is no undefined behaviour for compilers to differ in.
"""
import random
import sys

PRELUDE = """\
#include "run.hpp"

#include <alloca.h>

#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

using number = unsigned long;

struct block { number words[%(block_words)d]; };
struct pair { number* to; number value; };
struct failure { number value; };

struct shape {
    virtual number turn(number x, number* p) const { return x * 31 + *p; }
    virtual ~shape() = default;
};
struct round_shape : shape {
    number own = 7;
    const number* inside = &own;
    round_shape() = default;
    round_shape(const round_shape&) = delete;
    number turn(number x, number* p) const override;
};
struct at_end {
    number* to;
    number value;
    ~at_end() { *to = *to * 33 + value; }
};

"""


class Program:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.count = self.random.randint(8, 24)

    def number(self):
        return self.random.choice(["a", "b", "local", f"{self.random.randrange(1 << 30)}u"])

    def pointer(self):
        return self.random.choice(["p", "&local", "&array[%d]" % self.random.randrange(self.words), "own.to", "walk"])

    def arguments(self):
        return f"{self.number()}, {self.number()}, {self.pointer()}, {self.block()}"

    def block(self):
        return self.random.choice(["s", "mine"])

    def call(self, index):
        """An expression that calls a later function, or computes."""
        if index + 1 >= self.count or self.random.random() < 0.15:
            return self.random.choice([f"mix({self.number()}, *{self.pointer()})", f"object.turn({self.number()}, {self.pointer()})"])
        return f"f{self.random.randint(index + 1, min(index + 4, self.count - 1))}({self.arguments()})"

    def statement(self, index):
        r, target = self.random, self.random.choice(["local", "*p", "*own.to", "*walk", "mine.words[0]", "array[0]"])
        call = self.call(index)
        return r.choice([
            f"{target} += {call};",
            f"{target} ^= {call};",
            f"yield(), {target} += local;",
            f"{target} += recurse({r.randint(1, 60)}, {self.pointer()}, {self.number()});",
            f"walk = array + ({self.number()}) % {self.words};",
            f"own = {{{self.pointer()}, {self.number()}}};",
            f"{{ auto* space = static_cast<number*>(alloca({8 * r.randint(1, 400)})); space[0] = {self.number()}; "
            f"number* inner = space; {target} += {call} + *inner; }}",
            f"try {{ if ({self.number()} % {r.randint(1, 4)} == 0) throw failure{{{self.number()}}}; {target} += {call}; }} "
            f"catch (const failure& e) {{ {target} += e.value + {call}; }}",
            f"try {{ const at_end last{{{self.pointer()}, {self.number()}}}; {target} += {call}; "
            f"if (local % 2) throw failure{{local}}; }} catch (failure& e) {{ yield(); local += e.value; }}",
            f"{{ const round_shape shape_here; const shape* s2 = {r.choice(['&shape_here', '&object'])}; "
            f"{target} += s2->turn({self.number()}, {self.pointer()}) + {call}; }}",
            f"{{ auto add = [&, w = walk](number x) {{ return *w + x + local + {call}; }}; {target} += add({self.number()}); }}",
            f"{{ const std::function<number(number)> small = [q = {self.pointer()}](number x) {{ return x ^ *q; }}; "
            f"{target} += {call} + small({self.number()}); }}", # a larger closure would lie in the heap, with addresses of locals
            f"{{ std::array<number, {r.randint(1, 40)}> more; more.fill({self.number()}); number* end = more.data() + more.size(); "
            f"{target} += {call}; for (number* at = more.data(); at != end; ++at) {target} += *at; }}",
            f"{{ std::string text({r.randint(1, 30)}, 'x'); {target} += {call} + text.size() + static_cast<number>(text[0]); }}",
            f"{{ std::vector<number*> all{{p, &local, walk, own.to}}; {target} += {call}; }}",
            f"{{ block copy = {self.block()}; copy.words[{r.randrange(self.block_words)}] += {call}; mine = copy; }}",
            f"{{ double d = static_cast<double>(local % 1000) / 8; number x = {call}; {target} += static_cast<number>(d * 8) + x; }}",
            f"for (unsigned i = 0; i < {r.randint(1, 3)}; ++i) {target} += {call} + i;",
        ])

    def function(self, index):
        self.words = self.random.choice([1, 3, 8, 40, 200, 700])
        body = "\n".join(f"    {self.statement(index)}" for _ in range(self.random.randint(1, 4)))
        alignment = self.random.choice(["", "", "alignas(32) ", "alignas(64) "])
        inline = self.random.choice(["", "[[gnu::noinline]] ", "[[gnu::noinline]] "])
        return f"""\
{inline}number f{index}(number a, number b, number* p, block s) {{
    if (!spend()) return a ^ b;
    number local = mix(a, b);
    {alignment}number array[{self.words}];
    std::memset(array, {self.random.randrange(256)}, sizeof array);
    number* walk = array + local % {self.words};
    pair own{{&local, a}};
    number** to_walk = &walk;
    block mine = s;
    const round_shape object;
{body}
    return mix(local, **to_walk) + *own.to + mine.words[{self.random.randrange(self.block_words)}] + array[{self.words - 1}];
}}
"""

    def text(self):
        self.block_words = self.random.choice([1, 2, 3, 9, 60])
        parts = [PRELUDE % {"block_words": self.block_words}]
        parts.append("""\
number mix(number a, number b) { return (a ^ (a >> 7)) * 0x9e3779b97f4a7c15u + b; }
number round_shape::turn(number x, number* p) const { yield(); return mix(x, *p) + *inside + (inside == &own); }

number fuel;
bool spend() { return fuel && fuel--; }

[[gnu::noinline]] number recurse(unsigned levels, number* p, number x) {
    number here = x;
    number* both[2] = {p, &here};
    if (levels) here += recurse(levels - 1, both[levels % 2], x + levels);
    return *both[0] + here;
}
""")
        parts += [f"number f{i}(number a, number b, number* p, block s);" for i in range(self.count)]
        parts += [""] + [self.function(i) for i in range(self.count)]
        calls = "\n".join(f"    sum = mix(sum, f{self.random.randrange(min(4, self.count))}(sum, {i}, &sum, start));" for i in range(5))
        parts.append(f"""\
}} // namespace

unsigned long program() {{
    fuel = 3000;
    number sum = 1;
    block start{{}};
{calls}
    return sum;
}}""")
        return "\n".join(parts)


print(Program(int(sys.argv[1])).text())
