#!/usr/bin/env python3
"""Compares safe builds (docs/safe-build.md) with ordinary ones of the same compiler. bench/run --safe calls it.

The programs of both builds take turns, so that whatever else the machine does meets both. A line for each row: what the
ordinary build took, what the safe one, and the median of the ratios of the rounds; above 1: the safe one is slower.
Rows of code that is the same in both builds (raw_fcontext, relocate, plain) say how much of that is noise.
Usage: safe.py ORDINARY_BUILD SAFE_BUILD quick|default|full
"""
import json
import pathlib
import statistics
import subprocess
import sys

import measure
import results

PROGRAMS = ("switch", "create", "exceptions", "growth", "moving", "patterns", "jobs", "check-clang")


def rows_of(path):
    """Returns {"axis/peer/parameter": (unit, value)}: times only."""
    return {"/".join(filter(None, (axis, peer, parameter))): (unit, value)
            for axis, peer, parameter, unit, value in results.of_google_benchmark(path)
            if unit not in ("bytes", "count")}


def take_turns(builds, mode, directories):
    """Returns {name: [(unit, ordinary, safe), one for each round]}."""
    found = {}
    for round_ in range(1, mode.rounds + 1):
        for program in PROGRAMS:
            sides = []
            for build, directory in zip(builds, directories):
                binary = build / "bench" / program
                step = measure.google_benchmark(program, binary, mode, round_, directory)
                why = measure.run(step, directory) if binary.exists() else "not built"
                if why:
                    sys.exit(f"{binary}: {why}")
                sides.append(rows_of(directory / f"{program}.{round_}.json"))
            for name, (unit, ordinary) in sides[0].items():
                if name in sides[1]:
                    found.setdefault(name, []).append((unit, ordinary, sides[1][name][1]))
        print(f"round {round_} of {mode.rounds}", file=sys.stderr, flush=True)
    return found


def print_ratios(found):
    print(f"{'':52}{'ordinary':>12}{'safe':>12}  {'unit':8}{'ratio':>6}{'more':>10}")
    for name, rounds in sorted(found.items()):
        unit = rounds[0][0]
        ordinary, safe = (statistics.median(r[i] for r in rounds) for i in (1, 2))
        ratio = statistics.median(r[2] / r[1] for r in rounds)
        more = statistics.median(r[2] - r[1] for r in rounds)
        print(f"{name:52}{ordinary:12.2f}{safe:12.2f}  {unit:8}{ratio:6.3f}{more:+10.2f}")


def print_density(builds, count):
    print(f"\n{count:,} suspended coroutines, bytes each; escaping: each holds a variable whose address escapes")
    for build in builds:
        density = build / "bench" / "density"
        kinds = subprocess.run([density], capture_output=True, text=True, check=True).stdout.split()
        for kind in kinds:
            if kind.startswith("contiguous") and "1K" not in kind:
                row = json.loads(subprocess.run([density, kind, str(count)], capture_output=True, text=True,
                                                check=True).stdout)
                print(f"  {build.name:14} {kind:36}{row['bytes']:10.0f}{row['create_ns']:10.0f} ns to create")


def main():
    builds, mode_name = [pathlib.Path(build) for build in sys.argv[1:3]], sys.argv[3]
    mode = measure.MODES[mode_name]
    directories = [build / "results" for build in builds]
    for directory in directories:
        directory.mkdir(exist_ok=True)
    measure.Machine(mode_name).print()
    print_ratios(take_turns(builds, mode, directories))
    print_density(builds, max(mode.counts + mode.last_counts))


if __name__ == "__main__":
    main()
