#!/usr/bin/env python3
"""Runs the real programs on a plain thread and on every kind of stack, in every hard mode that means something there, and compares exit
codes and output. A program with a remedy runs without it too: the audit must then name the functions whose locals others point to.

A safe build has no remedies, and the audit must find nothing. Usage: run.py BUILD..., in the directory of build.ninja. BUILD is gcc-O2,
say. Prints a row for each program and a closing line.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

LUA = ["recursion", "strings", "errors", "coroutines", "tables"]
HERE = os.getcwd()
LIMIT_SECONDS = 280

# (program, arguments, what of its output is not the same each time)
JOBS = [(program, [f"{HERE}/workloads/lua/{script}.lua"], None) for program in ("lua", "lua++") for script in LUA] + [
    ("sqlite3", [":memory:", f".read {HERE}/workloads/statements.sql"], None),
    ("speedtest1", ["--size", "1", "--memdb", "--verify"], r"[\d.]+s$"),
    ("fuzzcheck", [f"{HERE}/fuzzdata.db"], r"in [\d.]+ seconds"),
    ("example", [], None),
    ("infcover", [], None),
    ("minigzip", ["-c", "-9", f"{HERE}/zlib/ChangeLog"], None),
    ("zlib_roundtrip", [], None),
    ("zstd_roundtrip", [], None),
    ("fuzzer", ["-s1", "-t1", "-i20"], None),
]
MODES = {
    "contiguous": ("", "move,poison", "link,poison", "fault"),
    "segmented": ("", "link,poison"),
    "eager": ("", "link,poison"),
    "reserved": ("",),
}
NAMED = re.compile(r"bytes into the frame of ([\w:~]+)")


def run(path, stack, arguments, changing, stress="", audit="0"):
    """Returns the exit code and output, and what it wrote to stderr."""
    with tempfile.TemporaryDirectory() as place:
        try:
            ended = subprocess.run([path, stack, *arguments], cwd=place, timeout=LIMIT_SECONDS, stdin=subprocess.DEVNULL,
                                   capture_output=True, env={**os.environ, "GROWSTACK_STRESS": stress, "GROWSTACK_AUDIT": audit})
        except subprocess.TimeoutExpired as late:
            return ("no end", ""), (late.stderr or b"").decode(errors="replace")
    output = ended.stdout.decode(errors="replace")
    return (ended.returncode, re.sub(changing, "", output, flags=re.M) if changing else output), ended.stderr.decode(errors="replace")


def moves(errors):
    found = re.search(r"host: (\d+) moves, (\d+) chunks", errors)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def named(path, arguments, modes=("", "move")):
    """Returns the functions whose locals the audit finds pointers to: where growth happens by itself, or else at every check."""
    for stress in modes:
        _, errors = run(path, "contiguous", arguments, None, stress, "1")
        functions = sorted(set(NAMED.findall(errors)))
        if functions:
            return functions
    return []


def check(build, job):
    """Returns the row's text, how many of its runs were right, and how many were not."""
    program, arguments, changing = job
    name = f"{build} {program} {' '.join(os.path.basename(a) for a in arguments)}".strip()
    as_it_is, remedied = f"{HERE}/{build}/{program}", f"{HERE}/{build}/{program}.remedied"
    has_remedy = os.path.exists(remedied)
    expected, _ = run(as_it_is, "thread", arguments, changing)
    wrong, right, most = [], 0, [0, 0]
    for stack, modes in MODES.items():
        for mode in modes:
            result, errors = run(remedied if has_remedy else as_it_is, stack, arguments, changing, mode)
            most = [max(pair) for pair in zip(most, moves(errors))]
            if result == expected and result[0] != "no end":
                right += 1
            else:
                wrong.append(f"\n    wrong: {stack} GROWSTACK_STRESS={mode}: exit code {result[0]} instead of {expected[0]} "
                             f"{errors.strip()[-200:]}")
    text = f"{name}: at most {most[0]} moves, {most[1]} chunks"
    if build.startswith("safe"):
        functions = named(as_it_is, arguments, ("",))
        right += not functions
        if functions:
            wrong.append(f"\n    wrong: the audit finds, in a safe build, pointers to locals of {', '.join(functions)}")
    if has_remedy:
        functions = named(as_it_is, arguments)
        if functions:
            right += 1
            text += f"; without the remedy, pointers to locals of {', '.join(functions)}"
        else:
            wrong.append("\n    wrong: the audit finds nothing without the remedy")
    return text + "".join(wrong), right, len(wrong)


def main():
    right = wrong = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = [pool.submit(check, build, job) for build in sys.argv[1:] for job in JOBS]
        for row in rows:
            text, passed, failed = row.result()
            print(text, flush=True)
            right, wrong = right + passed, wrong + failed
    print(f"{right} passed, {wrong} failed")
    return wrong != 0 or right == 0


sys.exit(main())
