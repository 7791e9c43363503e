#!/usr/bin/env python3
"""Runs the programs of GCC's c-torture suite in a coroutine, as safe builds by Clang: c_torture.py [EVERY [COMPILER...]]

The programs are those of Debian's gcc-12-source, each its own judge: it ends with abort() if it has computed something wrong. What a
Clang compiles, at -O0, -O2 and -O3, and what is right on a plain thread, must be right on a contiguous_stack of 4 KiB that moves at each
check, in a safe build. The ordinary build, whose addresses of locals go stale there, is only counted. EVERY: each so manieth program
only. What fails stays in build/c-torture.
"""
import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
BUILD = Path("build/c-torture")
SOURCES = "gcc/testsuite/gcc.c-torture/execute"
LIBRARY = Path(os.environ.get("GROWSTACK_LIBRARY", "build/library/src/libgrowstack.a"))
LEVELS = ["-O0", "-O2", "-O3"]
# C of any year: Clang's answer to most of it is an error today.
C_OF_ANY_YEAR = ["-w", "-std=gnu17", "-fgnu89-inline", *(f"-Wno-error={error}" for error in (
    "implicit-function-declaration", "implicit-int", "int-conversion", "return-type", "incompatible-function-pointer-types",
    "deprecated-non-prototype", "incompatible-pointer-types"))]
LIMIT_SECONDS = 10  # on a plain thread; moving the stack at each check takes longer
MOVING_LIMIT_SECONDS = 240
OPTIONS = re.compile(r'\{\s*dg-(?:additional-)?options\s+[{"]([^"}]*)["}]\s*\}')

Kind = collections.namedtuple("Kind", "name flags")
Result = collections.namedtuple("Result", "program outcome text moves", defaults=["", 0])


def known_exceptions():
    lines = (HERE / "c_torture.known").read_text().splitlines()
    return dict(line.split(" | ") for line in lines if line and not line.startswith("#"))


def unpack(every):
    """Returns the paths of the programs, without those that need a libc of their own (builtins/)."""
    if not BUILD.joinpath("unpacked").exists():
        archive = next(Path("/usr/src/gcc-12").glob("gcc-12*.tar.xz"))
        with tarfile.open(archive) as tar:
            for member in tar:
                _, is_one, name = member.name.partition(f"/{SOURCES}/")
                if is_one and re.fullmatch(r"(ieee/)?[^/]+\.[ch]", name):
                    target = BUILD / "execute" / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(tar.extractfile(member).read())
        BUILD.joinpath("unpacked").touch()
    return sorted([*BUILD.glob("execute/*.c"), *BUILD.glob("execute/ieee/*.c")])[::every]


def split_flags():
    for line in (HERE / "../../packaging/split-flags").read_text().splitlines():
        if line.startswith("clang:"):
            return ["-fsplit-stack", *line.split()[1:]]
    sys.exit("packaging/split-flags has no line for clang")


def kinds(compiler):
    """The flags of the safe and of the ordinary build: with the plugin for variadic functions."""
    major = command(compiler, "-dumpversion").stdout.split(".")[0]
    plugin = LIBRARY.resolve().parent.parent / f"packaging/llvm/growstack-clang-{major}.plugin"
    if not plugin.exists():
        sys.exit(f"{plugin} is missing: install llvm-{major}-dev and build the library again")
    flags = [*split_flags(), f"-fpass-plugin={plugin}"]
    return Kind("safe", [*flags, "-fsanitize=safe-stack"]), Kind("ordinary", flags)


def command(*words, seconds=120, **environment):
    """Runs it; returns None for one that does not end."""
    try:
        return subprocess.run([str(word) for word in words], capture_output=True, text=True, errors="replace", timeout=seconds,
                              stdin=subprocess.DEVNULL, env={**os.environ, "LANG": "C", **environment})
    except subprocess.TimeoutExpired:
        return None


def succeeds(*words, **how):
    ended = command(*words, **how)
    return ended is not None and ended.returncode == 0


def compile_program(compiler, level, kind, source, program):
    """Compiles and links it, with its main() named as the host calls it."""
    own = " ".join(OPTIONS.findall(source.read_text(errors="replace"))).split()
    item = f"{program}.o"
    for options in ([own, []] if own else [[]]):
        if succeeds(compiler, "-x", "c", level, *C_OF_ANY_YEAR, *kind.flags, *options, "-c", source, "-o", item):
            break
    else:
        return False
    link = ["-fsanitize=safe-stack"] if kind.name == "safe" else []
    return (succeeds("objcopy", "--redefine-sym", "main=hosted_main", item) and
            succeeds(f"{compiler}", item, BUILD / "host.o", LIBRARY, *link, "-lboost_context", "-Wl,-z,now", "-pthread", "-lm",
                     "-o", program))


def run_program(compiler, level, kind, source):
    """Returns how it went: refused, thread (wrong there, too), passed, failed."""
    program = BUILD / f"{compiler}{level}-{kind.name}" / f"{source.parent.name}-{source.stem}"
    try:
        if not compile_program(compiler, level, kind, source, program):
            return Result(source.stem, "refused")
        if not succeeds(program, "thread", seconds=LIMIT_SECONDS):
            return Result(source.stem, "thread")
        ended = command(program, "contiguous", seconds=MOVING_LIMIT_SECONDS, GROWSTACK_STRESS="move,poison")
    finally:
        Path(f"{program}.o").unlink(missing_ok=True)
    if ended is None or ended.returncode:
        end = f"exit code {ended.returncode}: {ended.stderr.strip()[-300:]}" if ended else f"no end in {MOVING_LIMIT_SECONDS} s"
        return Result(source.stem, "failed", f"{program}: {end}")
    program.unlink()
    moves = re.search(r"host: (\d+) moves", ended.stderr)
    return Result(source.stem, "passed", moves=int(moves[1]) if moves else 0)


def run_level(pool, compiler, level, kind, sources, known):
    """Returns how many passed and failed; what is known is neither."""
    (BUILD / f"{compiler}{level}-{kind.name}").mkdir(exist_ok=True)
    counts, moves, failures, on_thread = collections.Counter(), 0, [], []
    for result in pool.map(lambda source: run_program(compiler, level, kind, source), sources):
        is_known = kind.name == "safe" and result.outcome == "failed" and result.program in known
        counts["known" if is_known else result.outcome] += 1
        moves += result.moves
        failures += [result] if result.outcome == "failed" and not is_known else []
        on_thread += [result.program] if result.outcome == "thread" else []
    print(f"{compiler} {level}, {kind.name} build: {counts['passed']} passed, {counts['failed']} failed, {counts['known']} known to fail; "
          f"{moves} moves; not judged: {counts['refused']} that do not compile, {counts['thread']} wrong on a thread, too {' '.join(on_thread)}", flush=True)
    if kind.name == "safe":
        for failure in failures:
            print(f"    FAILED {failure.text}", flush=True)
    return counts


def main(every, *compilers):
    BUILD.mkdir(parents=True, exist_ok=True)
    sources, known = unpack(every), known_exceptions()
    host = command("g++", "-std=c++20", "-O1", "-Iinclude", "-c", HERE / "real/host.cpp", "-o", BUILD / "host.o")
    if host.returncode:
        sys.exit(host.stderr)
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for compiler in compilers or ("clang++", "clang++-19"):
            for level in LEVELS:
                for kind in kinds(compiler):
                    counts = run_level(pool, compiler, level, kind, sources, known)
                    if kind.name == "safe":
                        passed, failed = passed + counts["passed"], failed + counts["failed"]
    for name, reason in known.items():
        print(f"known to fail: {name}: {reason}")
    print(f"{passed} passed, {failed} failed")
    return failed != 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, *sys.argv[2:]))
