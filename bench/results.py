#!/usr/bin/env python3
"""Gathers what the benchmarks wrote into a directory in one file, results.json beside it.

{"schema": 1,
 "complete": false if the run was cut short,
 "machine": {"cpu", "cpus", "kernel", "date", "mode", "rounds",
             "versions": {"g++": ..., "boost": ..., of what is there},
             "load": [before, after], "frequency_mhz": [before, after] (mean over the CPUs; [] if unknown)},
 "records": [{"axis", "peer", "parameter", "unit": "ns" | "ms" | "ns/KiB" | "bytes" | "count", "values": [...]}],
 "skipped": [{"what", "why"}],
 "failed":  [{"what", "why", "round"}]}

A value is what one process found: the median of its repetitions, in hot_split the minimum. The processes of all
benchmarks took turns; values are in the order of the rounds. The parameter of growth is BYTES/first or BYTES/again,
that of density COUNT/FIELD, that of hot_split the depth in bytes, that of check FUNCTION-COMPILER-LAYOUT, that of
exceptions the number of frames. Jobs have NAME and NAME/COUNTER, moving COUNT and COUNT/moves.
"""
import json
import pathlib
import statistics

KIB = 1024


def unit_of(field):
    if field.endswith("_ns"):
        return "ns"
    return "bytes" if "bytes" in field else "count"


def of_row(axis, peer, parameter, row):
    """Yields (axis, peer, parameter, unit, value) of one row of google-benchmark."""
    if axis == "growth":
        reached_kib = row["reached_bytes"] / KIB
        for which in ("first", "again"):
            yield axis, peer, f"{parameter}/{which}", "ns/KiB", row[f"{which}_ns"] / reached_kib
    elif axis == "check":
        yield axis, peer, parameter, "ns", row["call_ns"]
    elif axis == "heap":
        pattern, _, threads = parameter.split("-")
        yield axis, peer, parameter, "ns", row["real_time"] * int(threads) / (256 if pattern == "batch" else 1)
    else:
        yield axis, peer, parameter, row["time_unit"], row["real_time"]
        counters = {"job": ("peak_stack_bytes", "moves", "bytes_copied", "chunks_linked"), "moving": ("moves",)}
        for field in counters.get(axis, ()):
            if field in row:
                yield axis, peer, f"{parameter}/{field}", unit_of(field), row[field]


def of_google_benchmark(path):
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
    except json.JSONDecodeError:
        return  # cut short
    for row in rows:
        if row["run_type"] != "aggregate" or row.get("error_occurred"):
            continue
        axis, peer, parameter = (row["run_name"].split("/") + [""])[:3]
        if row["aggregate_name"] == ("min" if axis == "hot_split" else "median"):
            yield from of_row(axis, peer, parameter, row)


def of_lines(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found = json.loads(line)
        except json.JSONDecodeError:
            continue  # cut short
        if "cost" in found:
            unit = "ns/KiB" if found["cost"] == "growth" else "ns"
            yield found["cost"], found["peer"], found["parameter"], unit, found["ns"]
        else:
            for field, value in found.items():
                if field not in ("kind", "count"):
                    yield "density", found["kind"], f"{found['count']}/{field}", unit_of(field), value


def records(directory):
    values = {}
    for path in sorted(directory.glob("*.json"), key=lambda path: int(path.suffixes[-2][1:])):
        for *key, value in of_google_benchmark(path):
            values.setdefault(tuple(key), []).append(value)
    for path in sorted(directory.glob("*.jsonl")):
        for *key, value in of_lines(path):
            values.setdefault(tuple(key), []).append(value)
    return [{"axis": "jobs" if axis == "job" else axis, "peer": peer, "parameter": parameter, "unit": unit,
             "values": of_key}
            for (axis, peer, parameter, unit), of_key in values.items()]


def quartiles(values):
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def write(directory, machine, skipped, failed, complete):
    directory = pathlib.Path(directory)
    found = {"schema": 1, "complete": complete, "machine": machine, "records": records(directory), "skipped": skipped,
             "failed": failed}
    path = directory.parent / "results.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return path
