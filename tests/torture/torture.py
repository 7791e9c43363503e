#!/usr/bin/env python3
"""Runs random programs on every kind of stack, in every hard mode: torture.py COUNT[,CSMITH_COUNT] [FIRST_SEED [COLUMN]].

COUNT of our own generator (generate.py) and as many, or CSMITH_COUNT, of csmith, with seeds from FIRST_SEED on. Each is
compiled by GCC and Clang at -O0 to -O3, with the compiler's checks and without any: 16 configurations, in one
executable for a batch of programs. That is the column `ordinary`. The column `safe` are safe builds by each Clang that
can do them, at -O0 to -O3: as many programs again, which let addresses of locals escape everywhere, and csmith's without
roots. Without a COLUMN both are done. run.cpp says what is run and compared there. What fails stays in build/torture,
and is named with its seed: torture.py 1,0 SEED COLUMN, or 0,1 SEED COLUMN, does that one alone.
"""
import collections
import itertools
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import generate

HERE = Path(__file__).parent
BUILD = Path("build/torture")
SPLIT_FLAGS = HERE / "../../packaging/split-flags"
LIBRARY = os.environ.get("GROWSTACK_LIBRARY", "build/library/src/libgrowstack.a")
# Small programs, for many. Clang takes long over large ones.
CSMITH = ["csmith", "--concise", "--quiet", "--max-funcs", "5", "--max-block-depth", "3", "--max-block-size", "3",
          "--max-array-len-per-dim", "6", "--max-expr-complexity", "6"]
# Of a processor, on a plain thread. A program that takes longer would take minutes in the hard modes, if it ends.
CSMITH_SECONDS = 0.05

SAFE_FLAG = "-fsanitize=safe-stack"

Configuration = collections.namedtuple("Configuration", "id name compiler flags is_checked")


def read_split_flags():
    """What each compiler needs beside -fsplit-stack."""
    lines = [line for line in SPLIT_FLAGS.read_text().splitlines() if not line.startswith("#")]
    return {compiler: flags.split() for compiler, flags in (line.split(":") for line in lines)}


def flags_of(split_flags, compiler, level, is_checked):
    flags = [f"-O{level}", "-w", "-Iinclude", f"-I{HERE}", "-I/usr/include/csmith", f"-DCHECKED={int(is_checked)}"]
    if is_checked:
        return [*flags, "-fsplit-stack", *split_flags[compiler]]
    # GCC keeps addresses in forms that a move does not see, in code without checks too. But there nothing throws unseen.
    if compiler == "gcc":
        flags += [flag for flag in split_flags[compiler] if flag != "-fno-ipa-pure-const"]
    # Inlining makes frames that are larger than what lies below a stack.
    return [*flags, "-fstack-clash-protection"] if level >= 2 else flags


def can_be_safe(clang):
    """Whether it has the library that threads' second stacks come from."""
    command = [clang, SAFE_FLAG, "-x", "c", "-", "-o", os.devnull]
    return shutil.which(clang) and subprocess.run(command, input="int main(void) { return 0; }", text=True,
                                                  stderr=subprocess.DEVNULL).returncode == 0


def safe_configurations():
    clangs = [clang for clang in ("clang-14", "clang-19") if can_be_safe(clang)]
    for number, (clang, level) in enumerate(itertools.product(clangs, range(4))):
        flags = [*flags_of(read_split_flags(), "clang", level, is_checked=True), SAFE_FLAG, "-DSAFE=1"]
        yield Configuration(f"s{number}", f"{clang} -O{level}, a safe build", clang, flags, True)


def ordinary_configurations():
    split_flags = read_split_flags()
    kinds = itertools.product([True, False], ["gcc", "clang"], range(4))
    for number, (is_checked, compiler, level) in enumerate(kinds):
        flags = flags_of(split_flags, compiler, level, is_checked)
        check = "-fsplit-stack" if is_checked else "without checks"
        yield Configuration(f"c{number}", f"{compiler} -O{level}, {check}", compiler, flags, is_checked)


CONFIGURATIONS = {"ordinary": list(ordinary_configurations()), "safe": list(safe_configurations())}


class CommandFailed(Exception):
    pass


class Commands:
    """Runs as many commands at a time as there are processors."""

    def __init__(self):
        self.pool = ThreadPoolExecutor(os.cpu_count())

    def start(self, *command):
        return self.pool.submit(subprocess.run, [str(word) for word in command], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace")

    def finish(self, future):
        done = future.result()
        if done.returncode:
            raise CommandFailed(f"{' '.join(done.args)}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def run(self, *command):
        return self.finish(self.start(*command))


class Random:
    """Programs of generate.py."""
    kind, source, batch_size = "random", "programs.cpp", 100
    alone = "1,0"

    def __init__(self, commands, first_seed, column):
        self.first_seed, self.column, self.skipped = first_seed, column, []

    def take(self, folder, number, count):
        first = self.first_seed + number * self.batch_size
        programs = [generate.Program(seed, self.column == "safe") for seed in range(first, first + count)]
        return programs, '#include "prelude.hpp"\n' + "\n".join(p.text() for p in programs)

    def compiler(self, c):
        return [c.compiler.replace("gcc", "g++").replace("clang", "clang++"), "-std=c++20"]

    def entry(self, program, c):
        return f"namespace {c.id}::p{program.seed} {{ unsigned long entry(); }}", f"{c.id}::p{program.seed}::entry"


class Csmith:
    """Programs of csmith. All of a batch are one source file, in which each has names of its own."""
    kind, source, batch_size = "csmith", "programs.c", 20
    alone = "0,1"
    Program = collections.namedtuple("Program", "seed is_probed is_dense", defaults=[False, False])
    PRELUDE = """\
#include "marks.h"
#define NOT_PRINT_CHECKSUM
#include "csmith.h"
#define ENTRY_(config, seed) unsigned long config##_p##seed(void)
#define ENTRY(config, seed) ENTRY_(config, seed)
"""

    def __init__(self, commands, first_seed, column):
        self.commands, self.seeds, self.column, self.skipped = commands, itertools.count(first_seed), column, []

    def take(self, folder, number, count):
        programs, texts = [], [self.PRELUDE]
        while len(programs) < count:
            seed = next(self.seeds)
            source = folder / f"{seed}.c"
            self.commands.run("env", "-C", folder, *CSMITH, "-s", seed, "-o", source.name) # it leaves a platform.info
            if not self.is_short(source):
                self.skipped.append(seed)
                continue
            programs.append(self.Program(seed))
            texts.append(re.sub(r"\b(func_\d+|g_\d+|[SU]\d+|main|__undefined)\b", rf"p{seed}_\1",
                                source.read_text().replace("int main", "static int main")))
            texts.append(f"ENTRY(CONFIG, {seed}) {{ p{seed}_main(1, 0); return crc32_context; }}\n")
        return programs, "".join(texts)

    def is_short(self, source):
        program = source.with_suffix("")
        self.commands.run("gcc", "-w", "-O0", "-I/usr/include/csmith", source, "-o", program)
        running = subprocess.Popen(["prlimit", "--cpu=1", program], stdout=subprocess.DEVNULL)
        _, running.returncode, usage = os.wait4(running.pid, 0)
        return running.returncode == 0 and usage.ru_utime < CSMITH_SECONDS

    def compiler(self, c):
        return [c.compiler]

    def entry(self, program, c):
        return f'extern "C" unsigned long {c.id}_p{program.seed}();', f"{c.id}_p{program.seed}"


def table(source, programs):
    """The C++ source of what run.hpp declares."""
    def flag(value):
        return str(bool(value)).lower()

    all_of_column = CONFIGURATIONS[source.column]
    ids = [c.id for c in all_of_column] + ["end"]
    lines = ['#define CONFIG end', '#include "marks.h"', '#include "run.hpp"',
             f'extern "C" char {", ".join(f"data_{i}[], bss_{i}[]" for i in ids)};']
    entries = []
    for program, (c, after) in itertools.product(programs, zip(all_of_column, ids[1:])):
        declaration, function = source.entry(program, c)
        lines.append(declaration)
        entries.append(f"{{{function}, data_{c.id}, data_{after}, bss_{c.id}, bss_{after}}}")
    has_global_pointers = flag(source.kind == "csmith" and source.column != "safe")
    names = [f'{{"{source.kind} {p.seed}", {flag(p.is_probed)}, {flag(p.is_dense)}, {has_global_pointers}}}'
             for p in programs]
    configurations = [f'{{"{c.name}", {flag(c.is_checked)}}}' for c in all_of_column]
    lines += [f"const unsigned program_count = {len(programs)}, configuration_count = {len(configurations)};",
              f"const random_program programs[] = {{{', '.join(names)}}};",
              f"const configuration configurations[] = {{{', '.join(configurations)}}};",
              f"const compiled_program compiled[] = {{{', '.join(entries)}}};"]
    return "\n".join(lines)


Result = collections.namedtuple("Result", "count failed lines runs")


def run_batch(commands, source, number, count):
    folder, all_of_column = BUILD / f"{source.column}-{source.kind}-{number}", CONFIGURATIONS[source.column]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        programs, text = source.take(folder, number, count)
        (folder / source.source).write_text(text)
        compiling = [commands.start(*source.compiler(c), *c.flags, f"-DCONFIG={c.id}", "-c", folder / source.source,
                                    "-o", folder / f"{c.id}.o") for c in all_of_column]
        (folder / "table.cpp").write_text(table(source, programs))
        commands.run("g++", "-std=c++20", f"-I{HERE}", "-c", folder / "table.cpp", "-o", folder / "table.o")
        for future in compiling:
            commands.finish(future)
        # In this order: the variables of each object end where those of the next begin.
        objects = [folder / f"{c.id}.o" for c in all_of_column] + [folder / "table.o"]
        linker = ["g++"] if source.column == "ordinary" else [all_of_column[-1].compiler.replace("clang", "clang++"), SAFE_FLAG]
        commands.run(*linker, *objects, BUILD / "run.o", LIBRARY, "-lboost_context", "-Wl,-z,now", "-o", folder / "run")
        output = commands.run(folder / "run")
    except CommandFailed as failure:
        (folder / "log").write_text(str(failure))
        return Result(count, count, [f"FAILED {count} {source.kind} programs: see {folder}/log"], 0)
    lines = output.splitlines()
    failures = collections.defaultdict(list)
    for line in lines:
        if line.startswith("FAILED"):
            failures[line.split(",")[0].split()[-1]].append(line)
    if not failures:
        shutil.rmtree(folder)
        return Result(count, 0, [], int(lines[-1].split()[1]))
    (folder / "log").write_text(output)
    said = [f"{of_one[0]} ({len(of_one)} such lines in {folder}/log; again: tests/run --torture {source.alone} {seed} {source.column})"
            for seed, of_one in failures.items()]
    return Result(count, len(failures), said, 0)


class Bar:
    """What is done, and how long the rest will take: a line that is rewritten, or, in a file, one for each tenth."""

    def __init__(self, total):
        self.total, self.done, self.shown, self.begin = total, 0, 0, time.monotonic()

    def advance(self, count, what):
        self.done += count
        seconds = time.monotonic() - self.begin
        left = seconds / self.done * (self.total - self.done)
        speed = f"{self.done / seconds:.2f} a second, {left / 60:.0f} min left"
        text = f"{self.done}/{self.total} programs, {what}, {speed}"
        if sys.stdout.isatty():
            filled = 30 * self.done // self.total
            end = "\n" if self.done == self.total else ""
            print(f"\r\033[K[{'#' * filled}{'.' * (30 - filled)}] {text}", end=end, flush=True)
        elif self.done * 10 // self.total > self.shown:
            self.shown = self.done * 10 // self.total
            print(text, flush=True)

    def say(self, line):
        print(("\r\033[K" if sys.stdout.isatty() else "") + line, flush=True)


def main(counts, first_seed, columns):
    BUILD.mkdir(parents=True, exist_ok=True)
    commands = Commands()
    commands.run("g++", "-std=c++20", "-O1", "-Iinclude", "-c", HERE / "run.cpp", "-o", BUILD / "run.o")
    sources = [kind(commands, first_seed, column) for column in columns for kind in (Random, Csmith)]
    batches = [(source, begin // source.batch_size, min(source.batch_size, count - begin))
               for source, count in zip(sources, counts * len(columns)) for begin in range(0, count, source.batch_size)]
    bar, passed, failed, runs = Bar(sum(counts) * len(columns)), 0, 0, 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = {pool.submit(run_batch, commands, *batch): batch for batch in batches}
        for future in as_completed(futures):
            result = future.result()
            for line in result.lines:
                bar.say(line)
            passed, failed, runs = passed + result.count - result.failed, failed + result.failed, runs + result.runs
            bar.advance(result.count, f"{futures[future][0].column} {futures[future][0].kind}")
    print(f"{runs} runs, seeds from {first_seed} on; {sum(len(source.skipped) for source in sources)} csmith programs took longer than "
          f"{CSMITH_SECONDS} s on a plain thread, or did not end, and were replaced")
    print(f"{passed} passed, {failed} failed")
    return failed != 0 or passed != sum(counts) * len(columns)


def chosen_columns(arguments):
    chosen = arguments or ["ordinary", "safe"]
    if "safe" in chosen and not CONFIGURATIONS["safe"]:
        if arguments:
            sys.exit("safe: no Clang here has SafeStack's library: install libclang-rt-19-dev")
        print("left out: safe: no Clang here has SafeStack's library (libclang-rt-19-dev)")
        chosen.remove("safe")
    return chosen


if __name__ == "__main__":
    counts = [int(count) for count in sys.argv[1].split(",")]
    sys.exit(main([*counts, counts[0]][:2], int(sys.argv[2]) if len(sys.argv) > 2 else 1, chosen_columns(sys.argv[3:])))
