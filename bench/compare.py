#!/usr/bin/env python3
"""Compares two results.json of one machine: prints the differences beyond the noise, and exits with 1 if one is a regression.

A difference is beyond the noise if the medians are further apart than three times the spread of both, and than 5 %, and if no value of
one file lies among those of the other. The spread is that of the values themselves: from their quartiles, or where they are too few for
quartiles their standard deviation. Of a hot split sweep the best
and the worst depth are compared. A record with fewer than three values says nothing of its noise: it is counted, not compared.

Usage: compare.py OLD.json NEW.json
"""
import json
import math
import pathlib
import statistics
import sys

LEAST_VALUES = 3
ENOUGH_FOR_QUARTILES = 5
LEAST_CHANGE = 0.05
TO_SIGMA = 1.349  # the quartiles of a normal distribution are that far apart, in standard deviations


def spread(values):
    if len(values) < ENOUGH_FOR_QUARTILES:
        return statistics.stdev(values)
    lo, _, hi = statistics.quantiles(values, n=4, method="inclusive")
    return (hi - lo) / TO_SIGMA


def read(path):
    """Returns {(axis, peer, parameter, unit): values}, and the CPU."""
    results = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    values, sweeps = {}, {}
    for record in results["records"]:
        if record["unit"] == "count":
            continue
        if record["axis"] == "hot_split":
            sweeps.setdefault(record["peer"], []).append(record["values"])
        else:
            values[tuple(record[k] for k in ("axis", "peer", "parameter", "unit"))] = record["values"]
    for peer, depths in sweeps.items():
        for name, pick in (("best depth", min), ("worst depth", max)):
            values["hot_split", peer, name, "ns"] = [pick(of_round) for of_round in zip(*depths)]
    return values, results["machine"]["cpu"]


def change(old, new):
    """Returns how much larger new is, as a ratio, or 0 within the noise."""
    difference = statistics.median(new) - statistics.median(old)
    beyond = abs(difference) > max(3 * math.hypot(spread(old), spread(new)), LEAST_CHANGE * abs(statistics.median(old)))
    apart = min(new) > max(old) or max(new) < min(old)
    return difference / statistics.median(old) if beyond and apart and statistics.median(old) else 0


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: compare.py OLD.json NEW.json")
    (old, old_cpu), (new, new_cpu) = read(sys.argv[1]), read(sys.argv[2])
    if old_cpu != new_cpu:
        sys.exit(f"not the same machine: {old_cpu}, {new_cpu}")
    both = [key for key in old if key in new]
    compared = [key for key in both if min(len(old[key]), len(new[key])) >= LEAST_VALUES]
    changes = {key: change(old[key], new[key]) for key in compared}
    beyond = sorted((key for key in compared if changes[key]), key=lambda key: -changes[key])
    for key in beyond:
        axis, peer, parameter, unit = key
        verdict = "REGRESSION" if changes[key] > 0 else "better"
        print(f"{axis}/{peer}/{parameter}: {statistics.median(old[key]):.2f} -> {statistics.median(new[key]):.2f} {unit},"
              f" {changes[key]:+.1%}: {verdict}")
    regressions = sum(changes[key] > 0 for key in beyond)
    print(f"{len(compared)} compared, {regressions} regressions, {len(beyond) - regressions} better; {len(both) - len(compared)} with too few"
          f" values; only in the old file: {len(old) - len(both)}, only in the new one: {len(new) - len(both)}")
    if not compared:
        sys.exit("nothing could be compared")
    sys.exit(1 if regressions else 0)


if __name__ == "__main__":
    main()
