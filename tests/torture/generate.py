#!/usr/bin/env python3
"""Prints a random C++ program that must compute the same on every stack: generate.py [--escapes] SEED...

Functions call one another, and spend fuel, so that every run ends. They take and return numbers, pointers to their
callers' locals, pointers to those pointers, references, structs, floating-point numbers and vectors by value, some as
variable arguments; keep pointers to themselves in their locals; use alloca, variable arrays, large frames, virtual
calls, exceptions, lambdas, recursion, coroutines and probes; and yield. With --escapes they also keep addresses of
locals where no move finds them, which is right in a safe build only. There is no undefined or unspecified behaviour
for compilers to differ in: unsigned arithmetic, exact fractions, one call in an expression.
"""
import random
import sys

TYPES = {"n": "number", "p": "number*", "q": "number**", "b": "block", "r": "block&", "s": "pair", "d": "double",
         "v": "two", "o": "const shape&"}
RESULTS = {"n": "%s", "s": "sum(%s)", "b": "%s.words[0]", "d": "sum(%s)", "v": "sum(%s)"}


class Function:
    def __init__(self, r, index, is_simple):
        self.name = f"f{index}"
        self.kinds = "np" + "".join(r.choices("nnppqbrsdvo", k=r.randint(0, 6)))
        self.result = r.choice("nnnnssbdv")
        # Trailing parameters that come as variable arguments. (A reference cannot.)
        trailing = self.kinds[2:]
        self.is_variadic = not is_simple and r.random() < 0.2 and trailing != "" and not set(trailing) & set("ro")
        self.fixed = 2 if self.is_variadic else len(self.kinds)
        self.words = r.choice([1, 3, 8, 40, 200] + ([] if self.is_variadic else [700]))
        self.is_noinline = r.random() < 0.7
        self.prefix = ("VARIADIC " if self.is_variadic else "") + ("[[gnu::noinline]] " if self.is_noinline else "")
        self.prefix += r.choice(["static ", ""])

    def head(self):
        parameters = [f"{TYPES[kind]} a{i}" for i, kind in enumerate(self.kinds[:self.fixed])]
        if self.fixed < len(self.kinds):
            parameters.append("...")
        return f"{self.prefix}{TYPES[self.result]} {self.name}({', '.join(parameters)})"


class Program:
    def __init__(self, seed, has_escapes=False):
        self.seed, self.has_escapes = seed, has_escapes
        self.random = r = random.Random(seed)
        self.is_dense = r.random() < 0.05
        self.is_probed = not self.is_dense and r.random() < 0.05
        # Arguments by value are pushed without a check, within the headroom.
        self.block_words = r.choice([1, 2, 3, 9] + ([] if self.is_dense else [60, 150]))
        self.functions = [Function(r, i, self.is_dense) for i in range(r.randint(2, 6))]

    # What is in scope: the parameters of the function, and the locals that all have.
    def of_kind(self, kind):
        return [f"a{i}" for i, k in enumerate(self.kinds) if k == kind]

    def number(self):
        reads = ["local", "*walk", "mine.words[0]", f"{self.random.randrange(1 << 30)}ul"]
        reads += self.of_kind("n") + [f"sum({a})" for a in self.of_kind("s") + self.of_kind("v") + self.of_kind("d")]
        return self.random.choice(reads)

    def outer_pointer(self):
        """To what outlives this function: may be returned, and stored in callers' locals."""
        return self.random.choice(self.of_kind("p") + [f"{a}.to" for a in self.of_kind("s")] or ["nullptr"])

    def pointer(self):
        inner = ["&local", "walk", "own.to", f"&array[{self.random.randrange(self.words)}]", "&mine.words[0]"]
        return self.random.choice(inner + self.of_kind("p") + [f"{a}.to" for a in self.of_kind("s")] +
                                  [f"*{a}" for a in self.of_kind("q")])

    def argument(self, kind):
        return self.random.choice({
            "n": [self.number()],
            "p": [self.pointer()],
            "q": ["&walk"],
            "b": ["mine"] + self.of_kind("b") + self.of_kind("r"),
            "r": ["mine"] + self.of_kind("r"),
            "s": [f"pair{{{self.pointer()}, {self.number()}}}", "own"],
            "v": self.of_kind("v") + [f"two{{{self.number()}, {self.number()}}}"],
            "d": self.of_kind("d") + [f"eighths({self.number()})"],
            "o": ["object"] + self.of_kind("o")}[kind])

    def call(self, index):
        """An expression that calls a function, mostly a later one."""
        r = self.random
        low = index + 1 if r.random() < 0.9 and index + 1 < len(self.functions) else 0
        # Clang's variadic functions have no checks, nor has what is inlined there: they would go deep without.
        is_variadic = index >= 0 and self.functions[index].is_variadic
        callees = [f for f in self.functions[low:low + 4] if not is_variadic or f.is_noinline and not f.is_variadic]
        if not callees or r.random() < 0.15 or index + 1 >= len(self.functions) and r.random() < 0.7:
            kinds = "".join(r.choices("npds", k=r.randint(1, 9)))
            return r.choice([f"recurse({r.randint(1, 40)}, {self.pointer()}, {self.number()})",
                             f"object.turn({self.number()}, {self.pointer()})",
                             f"mix({self.number()}, *{self.pointer()})"] + ([] if self.is_dense else [
                                 f'visit("{kinds}", ' + ", ".join(self.argument(k) for k in kinds) + ")"]))
        callee = r.choice(callees)
        arguments = [self.argument(kind) for kind in callee.kinds]
        if self.is_probed:
            call = f"growstack::call<FRAME_{callee.name}>({', '.join([callee.name] + arguments)})"
        else:
            call = f"{callee.name}({', '.join(arguments)})"
        return RESULTS[callee.result] % call

    def statement(self, index):
        r, number, pointer = self.random, self.number, self.pointer
        target = r.choice(["local", "*walk", "*own.to", "mine.words[0]", f"array[{r.randrange(self.words)}]"] +
                          [f"*{a}" for a in self.of_kind("p")] + [f"{a}.words[0]" for a in self.of_kind("r")])
        call, call2 = self.call(index), self.call(index)
        large = "1" if index >= 0 and self.functions[index].is_variadic else f"LARGE({r.choice([5000, 9000, 20000])})"
        choices = [
            f"{{ number c = {call}; {target} += c; }}",
            f"{{ number c = {call}; {target} ^= c + *to_walk[0]; }}",
            f"yield(); {target} += local;",
            f"walk = array + ({number()}) % {self.words};",
            f"own = {{{pointer()}, {number()}}};",
            f"own = {r.choice(['object', 'static_cast<const shape&>(object)'] + self.of_kind('o'))}.up({pointer()});",
            f"{{ auto* space = static_cast<number*>(alloca({8 * r.randint(1, 400)})); space[0] = {number()}; "
            f"number* inner = space; number c = {call}; {target} += c + *inner; }}",
            # GCC keeps the address of an array that is less aligned shifted, which no move sees: see docs/pointers.md.
            f"{{ number size = 1 + {number()} % {r.choice([5, 50, 500])}; number space[size]; "
            f"number* last = &space[size - 1]; *last = {number()}; number c = {call}; {target} += c + *last; }}",
            f"{{ char space[{large}]; hide(space); number c = {call}; {target} += c; hide(space); }}",
            f"{{ const round_shape here; const shape* s = {r.choice(['&here', '&object'])}; number c = {call}; "
            f"c += s->turn(c, {pointer()}); {target} += c; }}",
            f"{{ auto add = [&, w = walk](number x) {{ number c = {call}; return *w + x + local + c; }}; "
            f"number c = add({number()}); {target} += c; }}",
            f"{{ const erased small({pointer()}, [](number* q, number x) {{ yield(); return x ^ *q; }}); "
            f"number c = {call}; c += small(c); {target} += c; }}",
            f"{{ number more[{r.randint(1, 40)}]; number* end = more + sizeof more / sizeof *more; "
            f"for (number* at = more; at != end; ++at) *at = {number()}; "
            f"number c = {call}; for (number* at = more; at != end; ++at) c += *at; {target} += c; }}",
            f"{{ text t({r.randint(0, 30)}, 'x'); number c = {call}; {target} += c + t.hash(); }}",
            f"{{ number* all[] = {{{pointer()}, &local, walk, own.to}}; number** at = all; number c = {call}; "
            f"for (int i = 0; i < 4; ++i) c = c * 3 + **at++; {target} += c; }}",
            f"{{ block copy = mine; copy.words[{r.randrange(self.block_words)}] += 3; "
            f"number c = {call}; mine = copy; {target} ^= c; }}",
            f"{{ double d = eighths({number()}); two v{{local, 5}}; "
            f"number c = {call}; {target} += c + sum(d) + sum(v); }}",
            f"for (unsigned i = 0; i < {r.randint(1, 3)}; ++i) {{ number c = {call}; {target} += c + i; }}",
        ] + [f"*{a} = {self.outer_pointer()};" for a in self.of_kind("q")]
        if self.has_escapes:
            choices += self.escapes(call, target)
        if not self.is_dense:
            choices += [
                f"try {{ if ({number()} % {r.randint(1, 4)} == 0) throw failure{{{number()}}}; "
                f"number c = {call}; {target} += c; }} "
                f"catch (const failure& e) {{ number c = {call2}; {target} += e.value + c; }}",
                f"try {{ const at_end last{{{pointer()}, {number()}}}; number c = {call}; {target} += c; "
                f"if (local % 2) throw failure{{local}}; }} catch (failure& e) {{ yield(); local += e.value; }}",
                f"try {{ number c = {call}; {target} += c; }} catch (const failure& e) {{ local ^= e.value; throw; }}",
                f"if ({number()} % 7 == 0) throw failure{{{number()}}};",
                f"in_coroutine([&] {{ yield(); number c = {call}; {target} += c; }});",
            ]
        return r.choice(choices)

    def escapes(self, call, target):
        """Statements that keep an address where no move finds it. They are as many as all others."""
        r = self.random
        keepers = ["in_global", "in_thread", "xored", "in_halves", "in_heap", "hashed"]
        statements = [f"{{ const {keeper} kept{{{self.pointer()}}}; number c = {call}; *kept += c; c = *kept; "
                      f"{target} ^= c; }}" for keeper in keepers * 3]
        if not self.is_dense:
            statements.append(f"{{ write_beside({r.choice(['&local', '&mine.words[0]', 'own.to'])}, {self.number()}); "
                              f"{target} += local; }}")
        return statements

    def body(self, index, kinds, words, result):
        """Declares what all functions have; then statements; then what they come to."""
        r, self.kinds, self.words = self.random, kinds, words
        outer = self.of_kind("p")[0] if kinds else "&local"
        alignment = r.choice(["", "", "alignas(32) ", "alignas(64) "])
        block = (self.of_kind("b") + self.of_kind("r") + ["block{}"])[0]
        statements = "\n".join(f"    {self.statement(index)}" for _ in range(r.randint(1, 3)))
        last = "mix(local, **to_walk) + *own.to + mine.words[0] + array[%d]" % (words - 1)
        returned = {"n": last, "s": f"pair{{{self.outer_pointer()}, {last}}}", "b": "mine", "d": f"eighths({last})",
                    "v": f"two{{{last}, local}}"}[result]
        change = f"    mine.words[0] += {last};\n" if result == "b" else ""
        return f"""\
    {alignment}number array[{words}];
    std::memset(array, {r.randrange(256)}, sizeof array);
    number* walk = array + local % {words};
    pair own{{{outer}, local}};
    number** to_walk[1] = {{&walk}};
    block mine = {block};
    const round_shape object;
{statements}
{change}    return {returned};
""".replace("**to_walk)", "**to_walk[0])").replace("*to_walk[0];", "**to_walk[0];")

    def function(self, index):
        f = self.functions[index]
        early = {"n": "a0", "s": "pair{a1, a0}", "b": "block{}", "d": "eighths(a0)", "v": "two{a0, 1}"}[f.result]
        taken = [f"{TYPES[k]} a{i} = va_arg(arguments, {TYPES[k]});" for i, k in enumerate(f.kinds) if i >= f.fixed]
        if taken:
            taken = ["va_list arguments;", "va_start(arguments, a1);", taken[0], "local += recurse(3, &local, a0);",
                     *taken[1:], "va_end(arguments);"]
        lines = "".join(f"    {line}\n" for line in taken)
        return f"""\
{f.head()} {{
    if (!spend()) return {early};
    number local = mix(a0, *a1);
{lines}{self.body(index, f.kinds, f.words, f.result)}}}
"""

    def frame_bytes(self, function, text):
        """More than the function's frame at -O0, where each argument has a place of its own."""
        calls = text.count("number c = ") + 4
        return 8192 + 2 * 8 * function.words + 40 * calls * 8 * self.block_words // 4

    def text(self):
        functions = [self.function(i) for i in range(len(self.functions))]
        main = self.body(-1, "", 8, "n")
        parts = [f"namespace CONFIG::p{self.seed} {{", f"struct block {{ number words[{self.block_words}]; }};"]
        for f, text in zip(self.functions, functions):
            parts += [f"constexpr unsigned FRAME_{f.name} = {self.frame_bytes(f, text)};", f.head() + ";"]
        parts += functions
        parts.append(f"""\
static number start() {{
    number local = {self.seed};
{main}}}
number entry() {{
    number total = 0;
    fuel = 100;
    for (int i = 0; i < 3; ++i) {{
        {'' if self.is_dense else 'try '}{{ number c = start(); total = mix(total, c); }}
        {'' if self.is_dense else 'catch (const failure& e) { total += e.value; }'}
        fuel += 20;
    }}
    return total;
}}
}} // namespace
""")
        return "\n".join(parts)


if __name__ == "__main__":
    has_escapes = "--escapes" in sys.argv
    seeds = [int(argument) for argument in sys.argv[1:] if argument != "--escapes"]
    print('#include "prelude.hpp"\n' + "\n".join(Program(seed, has_escapes).text() for seed in seeds))
