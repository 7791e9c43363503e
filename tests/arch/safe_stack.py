#!/usr/bin/env python3
"""Looks at what Clang's SafeStack emits: safe_stack.py CLANG... (those that are not there are left out).

A coroutine may go on by another thread behind any call. So a function must reach the thread's escape pointer relative to
the thread pointer, %fs, at each access: an address of it that is kept over a call is the former thread's. To compute such
an address, code needs the thread pointer as a number, from %fs:0, say. So the rule is simple: in functions that have no
other thread-local variables, every %fs: is the stack's limit, or has the variable's offset in a register, and nothing
else asks for the thread pointer.
"""
import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

SPLIT_FLAGS = Path(__file__).parent / "../../packaging/split-flags"
POINTER = "__safestack_unsafe_stack_ptr"

SOURCE = """
#include <csetjmp>
struct large { char bytes[300]; ~large(); };
extern "C" {
void escape(void*);
void by_value(large);
long number();

long fixed() { long a[8], b; escape(a); b = number(); escape(&b); return a[0] + b; }
long in_a_loop(long n) {
    long sum = 0;
    for (long i = 0; i < n; ++i) { long local = i; escape(&local); sum += local + number(); }
    return sum;
}
void dynamic(long n) {
    for (long i = 1; i < n; ++i) { void* p = __builtin_alloca(i); escape(p); escape(&p); }
}
long variable(long n) { long sum = 0; while (n--) { char room[n + 1]; escape(room); sum += room[n]; } return sum; }
void caught() {
    large l;
    try { escape(&l); } catch (int i) { large in_handler; escape(&i); escape(&in_handler); }
    try { dynamic(number()); } catch (...) { escape(&l); throw; }
}
long twice(std::jmp_buf& other) {
    std::jmp_buf here;
    volatile long local = 1;
    if (setjmp(here)) escape(const_cast<long*>(&local));
    if (setjmp(other)) escape(&here);
    escape(&here);
    return local;
}
void takes(large l) { escape(&l); by_value(l); escape(&l); }
long recursive(long n, long* outer) {
    long local = n;
    if (n) local += recursive(n - 1, n % 2 ? &local : outer);
    escape(&local);
    return local;
}
}
"""
FUNCTIONS = ["fixed", "in_a_loop", "dynamic", "variable", "caught", "twice", "takes", "recursive"]

# What the check must find fault with: the address of a thread-local variable, over a call.
WRONG_SOURCE = """
extern thread_local void* __safestack_unsafe_stack_ptr __attribute__((tls_model("initial-exec")));
void call(void**);
void keeps_the_address() { void** p = &__safestack_unsafe_stack_ptr; call(p); *p = nullptr; }
"""


def split_flags():
    lines = SPLIT_FLAGS.read_text().splitlines()
    return ["-fsplit-stack"] + next(line.split(":")[1].split() for line in lines if line.startswith("clang:"))


def assembly(clang, source, *flags):
    command = [clang, "-std=c++20", "-w", "-S", "-x", "c++", "-", "-o", "-", *split_flags(), *flags]
    return subprocess.run(command, input=source, stdout=subprocess.PIPE, text=True, check=True).stdout


def faults_in(lines):
    """The instructions that may have the pointer's address, or the thread pointer, as a number."""
    for line in lines:
        code = line.split("#")[0]
        in_segment = re.findall(r"%fs:[^,\s]*", code)
        if any(not re.fullmatch(r"%fs:(112|0x70|\(%r\w+\)|" + POINTER + r"@TPOFF)", operand) for operand in in_segment):
            yield line.strip()
        elif POINTER in code and not re.search(r"movq\s+" + POINTER + r"@GOTTPOFF\(%rip\), %r\w+|%fs:" + POINTER, code):
            yield line.strip()
        elif re.search(r"rdfsbase|__tls_get_addr|__emutls|__get_unsafe_stack_ptr|__safestack_pointer_address", code):
            yield line.strip()


def instructions(text):
    return [line for line in text.splitlines() if re.match(r"\s+[a-z]", line) and not line.strip().startswith(".")]


def functions_in(text):
    """Each function's own lines, by its name."""
    return dict(re.findall(r"^([a-z_]+):(.*?)^\.Lfunc_end", text, re.MULTILINE | re.DOTALL))


def is_right(clang, level, position):
    text = assembly(clang, SOURCE, f"-O{level}", position, "-fsanitize=safe-stack")
    found = list(faults_in(instructions(text)))
    for line in found:
        print(f"FAILED {clang} -O{level} {position}: {line}")
    # Each function reads the pointer, lowers it and puts it back.
    uses = {name: len(re.findall(r"%fs:\(|%fs:" + POINTER, body)) for name, body in functions_in(text).items()}
    for name in FUNCTIONS:
        if uses.get(name, 0) < 3:
            print(f"FAILED {clang} -O{level} {position}: {name} does not use the escape pointer: {uses}")
            found.append(name)
    return not found


def main(clangs):
    passed, failed = 0, 0
    for clang in clangs:
        if not shutil.which(clang):
            print(f"left out: {clang} is not installed")
            continue
        results = [is_right(clang, level, position)
                   for level, position in itertools.product(range(4), ["-fPIC", "-fPIE", "-fno-pic"])]
        # The check itself.
        results.append(bool(list(faults_in(instructions(assembly(clang, WRONG_SOURCE, "-O2", "-fPIC"))))))
        passed, failed = passed + results.count(True), failed + results.count(False)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
