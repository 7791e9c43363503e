#!/usr/bin/env python3
"""Compares README.md's lines for a build by hand with what others get: by_hand.py ROOT PKG_CONFIG_DIRECTORY

Compile flags are those of packaging/split-flags for GCC. Link flags are those of growstack.pc, except for what names
the library, and for the audit's names, which are optional.
"""
import pathlib
import re
import sys

PARTS = re.compile(r"\*\*By hand\*\*.*?```sh\n(.*?)\n(.*?)\n```", re.DOTALL)
OF_EVERY_COMMAND = {"g++", "-std=c++20", "-O2", "-fsplit-stack", "-I", "growstack/include", "-c", "main.cpp"}
OF_EVERY_LINK = {"g++", "main.o", "growstack/build/src/libgrowstack.a", "-o", "main"}


def split_flags(root):
    """Returns what GCC needs beside -fsplit-stack."""
    for line in (root / "packaging/split-flags").read_text().splitlines():
        if line.startswith("gcc:"):
            return set(line.split()[1:])
    sys.exit("packaging/split-flags has no line for gcc")


def link_flags(directory):
    libs = re.search(r"^Libs: (.*)$", (directory / "growstack.pc").read_text(), re.MULTILINE)[1].split()
    return {flag for flag in libs if not flag.startswith("-L") and "backtrace" not in flag and flag != "-lgrowstack"}


def differences(what, shown, wanted):
    yield from (f"README.md, by hand: the {what} lacks {flag}" for flag in sorted(wanted - shown))
    yield from (f"README.md, by hand: the {what} has {flag}, unlike others" for flag in sorted(shown - wanted))


def main(root, pkg_config_directory):
    compile_line, link_line = PARTS.search((root / "README.md").read_text(encoding="utf-8")).groups()
    complaints = [*differences("compilation", set(compile_line.split()) - OF_EVERY_COMMAND, split_flags(root)),
                  *differences("link", set(link_line.split()) - OF_EVERY_LINK, link_flags(pkg_config_directory))]
    if "-fsplit-stack" not in compile_line.split():
        complaints.append("README.md, by hand: the compilation lacks -fsplit-stack")
    print("\n".join(complaints))
    print(f"{2 - min(len(complaints), 2)} passed, {min(len(complaints), 2)} failed")
    sys.exit(bool(complaints))


main(*map(pathlib.Path, sys.argv[1:]))
