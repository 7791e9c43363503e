#!/usr/bin/env python3
"""Compiles every C++ block of README.md and docs/: snippets.py ROOT COMPILER...

A block is a whole file. A fragment has an HTML comment before it, which is the file then, with BLOCK for the block:

    <!-- compiled as: void f() { BLOCK } -->

Such a file begins with #include <growstack/growstack.hpp>.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

MARK = "<!-- compiled as: "
BLOCKS = re.compile(r"(?:" + MARK + r"((?:(?!-->).)*)-->\n)?^```cpp\n(.*?)^```", re.DOTALL | re.MULTILINE)
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Iinclude", "-x", "c++", "-"]


def blocks_of(page):
    """Yields (place, source) for each block of a page."""
    text = page.read_text(encoding="utf-8")
    found = list(BLOCKS.finditer(text))
    if len(re.findall("^" + MARK, text, re.MULTILINE)) != sum(block[1] is not None for block in found):
        sys.exit(f"{page}: a comment '{MARK}...' without a block after it")
    for block in found:
        line = text.count("\n", 0, block.start(2)) + 1
        source = f'#line {line} "{page}"\n{block[2]}'
        if block[1]:
            before, after = block[1].split("BLOCK")
            source = f"#include <growstack/growstack.hpp>\n{before}\n{source}\n{after}\n"
        yield f"{page}:{line}", source


def complaint_about(block, compiler):
    """Returns what the compiler says; nothing: it compiles."""
    place, source = block
    done = subprocess.run([*compiler, *FLAGS], input=source, capture_output=True, text=True)
    first_lines = "\n".join(done.stderr.splitlines()[:20])
    return f"{place} does not compile\n{first_lines}" if done.returncode else None


def main(*compiler):
    pages = [pathlib.Path("README.md"), *sorted(pathlib.Path("docs").rglob("*.md"))]
    blocks = [block for page in pages for block in blocks_of(page)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        complaints = list(filter(None, pool.map(lambda block: complaint_about(block, compiler), blocks)))
    print("\n".join(complaints))
    print(f"{len(blocks) - len(complaints)} passed, {len(complaints)} failed")
    sys.exit(bool(complaints) or not blocks)


os.chdir(sys.argv[1])
main(*sys.argv[2:])
