#!/usr/bin/env python3
"""Compares two results.json of one machine: prints what differs beyond the noise, exits with 1 if that is a regression.

Whatever else the machine does between two runs makes them differ. So what each run found is held against code that
growstack has no part in (peers, the other allocators, memcpy, plain calls; a fixed stack where nothing but the user's
code runs), twice:
- how much slower the machine was on an axis, the median ratio of such code there, is taken out of the new values;
- where a record has a baseline, its ratio to that is compared, too, process by process, for they took turns.
A difference counts where both say so: the medians are further apart than three times the spread of both, than three
times what tells the two runs of other code apart, and than 5 %; and no value of one file lies among those of the other,
but for the largest of nine: what disturbs makes slower.

Where threads take all CPUs of the machine, whatever else runs stops one of them: only twice as much is a difference.

The spread is that of the values themselves, from their quartiles. Of a hot split sweep the best and the worst depth are
compared, of a check the median over its code layouts: another build lays all code out anew. A record with fewer than five values says little of its noise (memory lies differently in each process, and
some code has two speeds): it is counted, not compared. A benchmark of growstack that fails in the new run only is a
regression.

Usage: compare.py OLD.json NEW.json. Exits with 2 if the two cannot be compared.
"""
import json
import math
import pathlib
import statistics
import sys
from collections import Counter

LEAST_VALUES = 5
ENOUGH_FOR_FACTOR = 5
LEAST_CHANGE = 0.05
LEAST_CHANGE_ON_ALL_CPUS = 1.0
WORTH_SAYING = 0.03
TO_SIGMA = 1.349  # the quartiles of a normal distribution are that far apart, in standard deviations
TIMES = ("ns", "ms", "ns/KiB")

ALLOCATORS = ("glibc", "tcmalloc", "mimalloc", "jemalloc")
OTHERS = {"raw_fcontext", "memcpy", "bare", "thread", "no_move", "no_pin", "goroutine", "gccgo", "libgcc",
          "libgcc_signals", "ucontext", "stackless", *ALLOCATORS}
ON_FIXED_STACKS = ("jobs", "patterns", "exceptions", "growth", "hot_split")  # there it runs the user's code only
SWITCHING = ("generator",)  # the pattern in which a fixed stack does more than that: it yields
BASELINES = {"switch": "raw_fcontext", "create": "raw_fcontext", "relocate": "memcpy", "check": "thread",
             "guard": "bare", "moving": "no_move", **dict.fromkeys(ON_FIXED_STACKS, "fixed")}


class CannotCompare(Exception):
    pass


def read(path):
    results = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    if results["schema"] != 1:
        raise CannotCompare(f"{path} is of schema {results['schema']}, not 1")
    return results


def values_of(results):
    """Returns {(axis, peer, parameter, unit): values}. Counts are no costs, and times in clock ticks no measure."""
    values, sweeps, layouts = {}, {}, {}
    for record in results["records"]:
        if record["unit"] == "count" or record["parameter"].endswith("user_ns"):
            continue
        if record["axis"] == "hot_split":
            sweeps.setdefault(record["peer"], []).append(record["values"])
        elif record["axis"] == "check":
            layouts.setdefault((record["peer"], record["parameter"].rsplit("-", 1)[0]), []).append(record["values"])
        else:
            values[tuple(record[k] for k in ("axis", "peer", "parameter", "unit"))] = record["values"]
    for peer, depths in sweeps.items():
        for name, pick in (("best depth", min), ("worst depth", max)):
            values["hot_split", peer, name, "ns"] = [pick(of_round) for of_round in zip(*depths)]
    for (peer, function), of_all in layouts.items():
        values["check", peer, function, "ns"] = [statistics.median(of_round) for of_round in zip(*of_all)]
    return values


def is_other_code(key):
    axis, peer, parameter, _ = key
    return peer in OTHERS or peer.startswith("boost") or (
        peer == "fixed" and axis in ON_FIXED_STACKS and parameter not in SWITCHING)


def baseline(key, values):
    """Returns what the record is to be compared with, process by process, or nothing."""
    axis, _, parameter, unit = key
    if axis == "moving":
        parameter = "0"
    if axis == "growth":
        parameter = parameter.split("/")[0] + "/again"
    peers = ALLOCATORS if axis == "heap" else [BASELINES.get(axis)]
    found = [values.get((axis, peer, parameter, unit), []) for peer in peers]
    found = [of_peer for of_peer in found if len(of_peer) == len(values[key])]
    is_held_against = unit in TIMES and parameter not in SWITCHING
    return [statistics.median(of_round) for of_round in zip(*found)] if is_held_against else []


def threads_of(key):
    axis, _, parameter, _ = key
    return int(parameter.split("-")[-1]) if axis == "heap" else 1


def group(key):
    """Returns which records one thing slows down together: another program beside halves what two threads do."""
    return key[0] if key[0] != "heap" else f"heap, threads: {threads_of(key)}"


def log_ratio(old, new):
    return math.log(statistics.median(new) / statistics.median(old))


class Machine:
    """How much slower the machine was in the new run, and how far unchanged code differs from that."""

    def __init__(self, cpus, old, new, compared):
        self.cpus = cpus
        ratios = {}
        for key in compared:
            if is_other_code(key) and key[3] in TIMES:
                ratios.setdefault(group(key), []).append(log_ratio(old[key], new[key]))
        self.groups = {name: of_group for name, of_group in ratios.items() if len(of_group) >= ENOUGH_FOR_FACTOR}
        self.all = [ratio for of_group in ratios.values() for ratio in of_group]

    def _ratios(self, key):
        return self.groups.get(group(key), self.all) if key[3] in TIMES else []

    def factor(self, key):
        ratios = self._ratios(key)
        return math.exp(statistics.median(ratios)) if ratios else 1

    def noise(self, key):
        ratios = self._ratios(key)
        middle = statistics.median(ratios) if ratios else 0
        quartile = statistics.median(abs(ratio - middle) for ratio in ratios) if ratios else 0
        least = LEAST_CHANGE_ON_ALL_CPUS if 1 < threads_of(key) >= self.cpus else LEAST_CHANGE
        return max(least, math.expm1(3 * quartile * 2 / TO_SIGMA))

    def print(self):
        if not self.all:
            print("both have growstack's own code only: whether the machine itself was slower is unknown")
            return
        said = [f"{name} {percent:+.0%}" for name, ratios in [*sorted(self.groups.items()), ("all together", self.all)]
                if abs(percent := math.expm1(statistics.median(ratios))) >= WORTH_SAYING]
        print(f"{len(self.all)} records of other code, whose difference is the machine's part and taken out: "
              + (", ".join(said) or f"less than {WORTH_SAYING:.0%} on every axis"))


def spread(values):
    lo, _, hi = statistics.quantiles(values, n=4, method="inclusive")
    return (hi - lo) / TO_SIGMA


def ends(values):
    """Returns the least and the largest, without one of these for each nine values."""
    ordered = sorted(values)
    return ordered[0], ordered[-1 - len(values) // 9]


def change(old, new, noise):
    """Returns how much larger new is, as a ratio, or 0 within the noise."""
    middle = statistics.median(old)
    difference = statistics.median(new) - middle
    beyond = abs(difference) > max(3 * math.hypot(spread(old), spread(new)), noise * abs(middle))
    (old_lo, old_hi), (new_lo, new_hi) = ends(old), ends(new)
    apart = new_lo > old_hi or new_hi < old_lo
    return difference / middle if beyond and apart and middle else 0


def change_of(key, old, new, machine):
    """Returns the change of the value or of its ratio to the baseline, the smaller, or 0 if one is within the noise."""
    noise, factor = machine.noise(key), machine.factor(key)
    changes = [change(old[key], [value / factor for value in new[key]], noise)]
    bases = [baseline(key, values) for values in (old, new)]
    if all(bases) and not is_other_code(key):
        changes.append(change(*([value / base for value, base in zip(values[key], of_base)]
                                for values, of_base in zip((old, new), bases)), noise))
    return min(changes, key=abs) if min(changes) > 0 or max(changes) < 0 else 0


def print_changes(changes, old, new):
    for key in sorted((key for key in changes if changes[key]), key=lambda key: -changes[key]):
        axis, peer, parameter, unit = key
        verdict = "not growstack's code" if is_other_code(key) else "REGRESSION" if changes[key] > 0 else "better"
        before, after = statistics.median(old[key]), statistics.median(new[key])
        print(f"{axis}/{peer}/{parameter}: {before:.2f} -> {after:.2f} {unit},"
              f" {changes[key]:+.1%} without the machine's part: {verdict}")


def print_machines(old_results, new_results):
    for which, results in (("old", old_results), ("new", new_results)):
        machine = results["machine"]
        load = ", ".join(f"{value:.2f}" for value in machine["load"])
        mhz = ", ".join(f"{value:.0f}" for value in machine["frequency_mhz"])
        version = machine["versions"].get("growstack", "of no version")
        print(f"{which}: {machine['date']}, growstack {version}, load {load}, MHz {mhz}")


def print_missing(old_results, new_results, old, new):
    for which, results, here, there in (("old", old_results, old, new), ("new", new_results, new, old)):
        if not results["complete"]:
            print(f"the {which} run was cut short")
        for left_out in results["skipped"] + results["failed"]:
            print(f"the {which} run is without {left_out['what']}: {left_out['why']}")
        only_there = Counter(key[0] for key in there if key not in here)
        if only_there:
            axes = ", ".join(f"{axis} ({count} records)" for axis, count in only_there.items())
            print(f"not in the {which} file: {axes}")


def new_failures(old_results, new_results):
    known = {failed["what"] for failed in old_results["failed"]}
    of_others = ("peer-", "density boost", "density goroutine", *(f"heap-{allocator}" for allocator in ALLOCATORS))
    return [failed for failed in new_results["failed"]
            if failed["what"] not in known and not failed["what"].startswith(of_others)]


def compare(old_results, new_results):
    """Returns how many regressions there are."""
    for what in ("cpu", "mode"):
        of_each = [results["machine"][what] for results in (old_results, new_results)]
        if of_each[0] != of_each[1]:
            raise CannotCompare(f"not the same {what}: {', '.join(of_each)}")
    old, new = values_of(old_results), values_of(new_results)
    print_machines(old_results, new_results)
    print_missing(old_results, new_results, old, new)
    both = [key for key in old if key in new]
    enough = [key for key in both if min(len(old[key]), len(new[key])) >= LEAST_VALUES]
    compared = [key for key in enough if min(old[key] + new[key]) > 0]
    if not compared:
        raise CannotCompare(f"nothing to compare: none of {len(both)} records in both files has {LEAST_VALUES} values")
    machine = Machine(new_results["machine"]["cpus"], old, new, compared)
    machine.print()
    changes = {key: change_of(key, old, new, machine) for key in compared}
    print_changes(changes, old, new)
    ours = [key for key in compared if not is_other_code(key)]
    failures = new_failures(old_results, new_results)
    for failed in failures:
        print(f"{failed['what']} fails in the new run only: REGRESSION")
    regressions = sum(changes[key] > 0 for key in ours) + len(failures)
    print(f"{len(ours)} compared, {regressions} regressions, {sum(changes[key] < 0 for key in ours)} better;"
          f" {len(both) - len(enough)} with too few values")
    return regressions


def main():
    if len(sys.argv) != 3:
        print("usage: compare.py OLD.json NEW.json", file=sys.stderr)
        return 2
    try:
        return 1 if compare(*map(read, sys.argv[1:])) else 0
    except CannotCompare as why:
        print(why, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
