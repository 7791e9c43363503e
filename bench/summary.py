#!/usr/bin/env python3
"""Prints what the benchmarks wrote as JSON into a directory, as tables, with each aim beside what was measured."""
import json
import pathlib
import statistics
import sys

import results

POLICIES = ["contiguous", "segmented_keep_one", "segmented_eager", "reserved", "fixed"]
KIB = 1024


class NotMeasured(Exception):
    """It failed, or the run was cut short before it."""


def read(directory, name):
    """Returns {"cost/policy/parameter": {"median": row, "min": row}} and the context of one benchmark.

    Each process that ran it has written a file: where memory happens to lie differs between them. A row holds the
    median of their medians, or the least of their minima.
    """
    of_processes = {}
    for path in sorted(directory.glob(f"{name}.*.json")):
        try:
            output = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError:
            continue  # cut short
        for row in output["benchmarks"]:
            if not row.get("error_occurred") and row["run_type"] == "aggregate":
                key = "/".join(row["run_name"].split("/")[:3])
                of_processes.setdefault(key, {}).setdefault(row["aggregate_name"], []).append(row)
    if not of_processes:
        raise NotMeasured(name)
    combine = {"median": statistics.median, "min": min}
    rows = {}
    for key, aggregates in of_processes.items():
        rows[key] = {which: {field: combine[which](row[field] for row in of_each)
                             for field, value in of_each[0].items() if isinstance(value, (int, float))}
                     for which, of_each in aggregates.items() if which in combine}
    return rows, output["context"]


def print_table(title, header, rows):
    print(f"\n{title}")
    texts = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in texts) for i in range(len(header))]
    for row in texts:
        print("  " + row[0].ljust(widths[0]) + "".join(c.rjust(w + 2) for c, w in zip(row[1:], widths[1:])))


def print_aim(what, limit, measured, unit):
    verdict = "met" if measured <= limit else "NOT met"
    print(f"  aim: {what} <= {limit:g} {unit}; measured {measured:.2f}: {verdict}")


def size(n):
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if n >= unit:
            return f"{n / unit:.3g} {name}" if n < 1000 * unit else f"{n / unit:.0f} {name}"
    return f"{n:.0f} B"


def times(rows, which):
    """Returns {(policy, parameter): ns}."""
    return {tuple(key.split("/")[1:]): row[which]["real_time"] for key, row in rows.items()}


def print_switch(directory):
    rows, _ = read(directory, "switch")
    median, least = times(rows, "median"), times(rows, "min")
    names = ["raw_fcontext", "contiguous", "segmented", "fixed"]
    raw = ("raw_fcontext", "pair")
    print_table("resume + yield, ns a pair", ["", "median", "to raw", "min", "to raw"],
                [[name, f"{median[name, 'pair']:.2f}", f"{median[name, 'pair'] / median[raw]:.2f}",
                  f"{least[name, 'pair']:.2f}", f"{least[name, 'pair'] / least[raw]:.2f}"] for name in names])
    print_aim("each policy's median", 1.10, max(median[name, "pair"] for name in names[1:]) / median[raw], "x raw")


def print_create(directory):
    rows, _ = read(directory, "create")
    median, least = times(rows, "median"), times(rows, "min")
    names = ["raw_fcontext", "contiguous", "segmented", "fixed"]
    table = []
    for what, label in (("run", "runs to its end"), ("yield", "yields once")):
        raw = ("raw_fcontext", what)
        table += [[f"{name}, {label}", f"{median[name, what]:.1f}", f"{median[name, what] / median[raw]:.2f}",
                   f"{least[name, what]:.1f}", f"{least[name, what] / least[raw]:.2f}"] for name in names]
    print_table("create, run, finish, destroy, ns; raw_fcontext on a stack that is ready",
                ["", "median", "to raw", "min", "to raw"], table)
    print_aim("each policy's median, run to its end", 1.3,
              max(median[name, "run"] for name in names[1:]) / median["raw_fcontext", "run"], "x raw")


def print_relocate(directory):
    rows, _ = read(directory, "relocate")
    median = times(rows, "median")
    sizes = sorted((parameter for name, parameter in median if name == "memcpy"), key=int)
    kernels = [k for k in ("scalar", "avx2", "avx512") if (k, sizes[0]) in median]
    print_table("copy a stack and re-point it: memcpy's ns, and ratios to it; medians", ["live", "memcpy", *kernels],
                [[size(int(s)), f"{median['memcpy', s]:.1f}"] +
                 [f"{median[k, s] / median['memcpy', s]:.2f}" for k in kernels] for s in sizes])
    used = kernels[-1]
    ratio = {int(s): median[used, s] / median["memcpy", s] for s in sizes}
    print_aim(f"{used} (used here), 2 and 8 KiB", 1.3, max(r for s, r in ratio.items() if s < 32 * KIB), "x memcpy")
    print_aim(f"{used}, 32 KiB and up", 1.05, max(r for s, r in ratio.items() if s >= 32 * KIB), "x memcpy")


def print_growth(directory):
    rows, _ = read(directory, "growth")
    growth = {tuple(key.split("/")[1:]): row["median"] for key, row in rows.items()}
    sizes = sorted((key[1] for key in growth if key[0] == "fixed"), key=int)

    def per_kib(policy, s, which):
        """What the policy adds to the bare recursion, which is that of a warm fixed stack."""
        extra = growth[policy, s][which] - growth["fixed", s]["again_ns"]
        return f"{extra / (growth['fixed', s]['reached_bytes'] / KIB):.1f}"

    grown = [p for p in POLICIES if p != "fixed"]
    table = []
    for s in sizes:
        fixed = growth["fixed", s]
        row = [size(int(s)), f"{fixed['again_ns'] / (fixed['reached_bytes'] / KIB):.1f}"]
        for policy in grown:
            row += [per_kib(policy, s, "first_ns"), per_kib(policy, s, "again_ns")]
        table.append(row)
    header = ["depth", "recursion itself"]
    for policy in grown:
        header += [f"{policy.replace('segmented_', '')} first", "again"]
    frame_bytes = growth["fixed", sizes[0]]["frame_bytes"]
    print_table(f"reach a depth by frames of {frame_bytes:.0f} bytes on a stack that starts small: extra ns per KiB "
                "reached; medians", header, table)
    for s in (64 * KIB, 1024 * KIB):
        row = growth["contiguous", str(s)]
        print_aim(f"contiguous, {size(s)}, first minus again", 60,
                  (row["first_ns"] - row["again_ns"]) / (row["reached_bytes"] / KIB), "ns per KiB")


def hot_window(sweep, worst):
    """Returns the depths around the worst one that cost more than halfway from the best to the worst."""
    halfway = (min(cost for _, cost in sweep) + worst[1]) / 2
    lo = hi = sweep.index(worst)
    while lo > 0 and sweep[lo - 1][1] > halfway:
        lo -= 1
    while hi + 1 < len(sweep) and sweep[hi + 1][1] > halfway:
        hi += 1
    step = sweep[1][0] - sweep[0][0]
    return f"{sweep[lo][0]} - {sweep[hi][0]}", (hi - lo + 1) * step


def print_hot_split(directory):
    rows, _ = read(directory, "hot_split")
    table, worst_of, best_of, worst_median_of = [], {}, {}, {}
    for policy in POLICIES:
        worst_median_of[policy] = max(row["median"]["real_time"] for key, row in rows.items()
                                      if key.split("/")[1] == policy)
        sweep = sorted((int(key.split("/")[2]), row["min"]["real_time"]) for key, row in rows.items()
                       if key.split("/")[1] == policy)
        best, worst = (f(sweep, key=lambda point: point[1]) for f in (min, max))
        best_of[policy], worst_of[policy] = best[1], worst[1]
        where, width = hot_window(sweep, worst) if worst[1] > 1.5 * best[1] else ("-", 0)
        table.append([policy, f"{best[1]:.2f}", f"{worst[1]:.2f}", f"{worst[1] / best[1]:.2f}",
                      f"{worst_median_of[policy]:.2f}", worst[0], where, width])
    print_table(f"hot split: a call in a loop, at {len(sweep)} depths up to {size(sweep[-1][0])}; minima in ns a call",
                ["", "best", "worst", "worst/best", "worst median", "at depth", "hot window, bytes", "its width"],
                table)
    print_aim("segmented_eager, worst", 25, worst_of["segmented_eager"], "ns")
    print_aim("segmented_keep_one, worst", 6, worst_of["segmented_keep_one"], "ns")
    print_aim("contiguous, worst", 1.0, round(worst_of["contiguous"] / worst_of["fixed"], 1), "x a fixed stack's")
    ratio = {policy: worst_of[policy] / best_of[policy] for policy in ("contiguous", "fixed")}
    print_aim("contiguous, worst/best", 1.1, ratio["contiguous"] / ratio["fixed"], "x a fixed stack's")


def print_jobs(directory):
    rows, context = read(directory, "jobs")
    names = [key.removeprefix("job_") for key in context if key.startswith("job_")]
    print("\njobs, each on an ordinary thread with 8 MiB of stack:")
    for name in names:
        print(f"  {name}, {context['job_' + name]}: {context['plain_8M_thread_' + name]}")
    table = []
    for name in names:
        fixed = rows[f"job/fixed/{name}"]
        for policy in POLICIES:
            row = rows[f"job/{policy}/{name}"]
            cells = [f"{name} on {policy}"]
            for which in ("median", "min"):
                ms = row[which]["real_time"]
                cells += [f"{ms:.2f}", f"{ms / fixed[which]['real_time']:.2f}"]
            counts = row["median"]
            table.append(cells + [size(counts["peak_stack_bytes"]), f"{counts['moves']:.0f}",
                                  size(counts["bytes_copied"]), f"{counts['chunks_linked']:.0f}"])
    print_table("jobs, the same object code on every stack; all results equal",
                ["", "median ms", "to fixed", "min ms", "to fixed", "peak stack", "growths", "copied", "chunks linked"],
                table)
    print("  peak stack: of a fixed stack its size; during a move, both stacks; headroom included")


def print_guard(directory):
    rows, _ = read(directory, "guard")
    median = times(rows, "median")
    bare = median["bare", "fault"]
    print_table("a first touch below a stack of 4 KiB, ns; medians", ["", "ns", "to the bare fault"],
                [[label, f"{median[name, 'fault']:.0f}", f"{median[name, 'fault'] / bare:.2f}"]
                 for name, label in (("bare", "bare: a SIGSEGV that makes one page accessible"),
                                     ("in_place", "the growth room opens"), ("move", "the stack moves"))])
    print_aim("each", 2, max(median[name, "fault"] for name in ("in_place", "move")) / bare, "x bare")


def print_check(directory):
    labels = {"thread": "no check, on the thread's stack", "guard": "guard: no check, in a coroutine",
              "clash_protection": "the same with -fstack-clash-protection", "compiler": "compiler: -fsplit-stack",
              "probe": "probe: growstack::call<256>"}
    functions, guard, probe_ns = ["fib", "tak", "ack"], [], []
    for compiler in ("gcc", "clang"):
        if not list(directory.glob(f"check-{compiler}.*.json")):
            print(f"\ncheck, by {compiler}: not measured")
            continue
        rows, _ = read(directory, f"check-{compiler}")
        layouts = {}  # of (kind, function), in the order of the layouts
        for key, row in sorted(rows.items()):
            kind, function = key.split("/")[1], key.split("/")[2].split("-")[0]
            layouts.setdefault((kind, function), []).append(row["median"]["call_ns"])
        median = {key: statistics.median(ns) for key, ns in layouts.items()}
        header, table = [""], [[label] for label in labels.values()]
        for function in functions:
            header += [f"{function}, ns", "to plain", "of layouts"]
            for cells, kind in zip(table, labels):
                ns = layouts[kind, function]
                cells += [f"{median[kind, function]:.2f}", f"{median[kind, function] / median['thread', function]:.2f}",
                          f"{min(ns):.2f} - {max(ns):.2f}"]
        print_table(f"a call of fib, tak and ack, by {compiler}; medians over four code layouts", header, table)
        # The same code at the same place, on two stacks.
        guard += [a / b for f in functions for a, b in zip(layouts["guard", f], layouts["thread", f])]
        probe_ns += [median["probe", f] - median["thread", f] for f in functions]
    if guard:
        print_aim("probe, over plain", 1, max(probe_ns), "ns a call")
        print_aim("guard, median over functions, compilers and layouts", 1.0, round(statistics.median(guard), 2),
                  "x plain")


def print_exceptions(directory):
    rows, _ = read(directory, "exceptions")
    median = times(rows, "median")
    frames = sorted({n for _, n in median}, key=int)
    table = []
    for n in frames:
        chunks = rows[f"exceptions/segmented_eager/{n}"]["median"]["chunks_linked"]
        table.append([n, f"{chunks:.0f}", f"{median['fixed', n] / 1000:.2f}"] +
                     [f"{median[p, n] / median['fixed', n]:.2f}" for p in POLICIES if p != "fixed"])
    print_table("throw and catch through N frames of about 100 bytes: us on a fixed stack, and ratios to it; medians",
                ["N", "chunks", "fixed, us"] + [p for p in POLICIES if p != "fixed"], table)
    print_aim("segmented_eager, 100 frames", 1.1, median["segmented_eager", "100"] / median["fixed", "100"], "x fixed")


def print_moving(directory):
    rows, _ = read(directory, "moving")
    ns = times(rows, "median")
    moves = {tuple(key.split("/")[1:]): row["median"].get("moves", 0) for key, row in rows.items()}
    calls = ns["no_move", "0"]

    def per_move(what, count):
        return (ns[what, count] - calls) / moves[what, count]

    none = per_move("dependents", "0")
    print_table("a move of a stack with 2 KiB in use; medians", ["", "ns", "to none"],
                [[f"{what}: {count}", f"{per_move(what, count):.0f}", f"{per_move(what, count) / none:.2f}"]
                 for what in ("dependents", "roots") for count in sorted((c for w, c in ns if w == what), key=int)])
    pin = ns["pin", "0"] - ns["no_pin", "0"]
    print_aim("a pin where nothing grows", 1, pin, "ns")
    print_aim("3 dependents with 2 KiB each in use", 1.5, per_move("dependents", "3") / none, "x none")


def print_heap(directory):
    allocators = [name for name in ("glibc", "tcmalloc", "mimalloc", "jemalloc")
                  if list(directory.glob(f"heap-{name}.*.json"))]
    ns = {}
    for allocator in ["growstack", *allocators]:
        rows, _ = read(directory, f"heap-{allocator}")
        for key, row in rows.items():
            pattern, bytes_, threads = key.split("/")[2].split("-")
            blocks = 256 if pattern == "batch" else 1
            # Of several threads the time of all is given for the operations of all.
            ns[allocator, pattern, int(bytes_), int(threads)] = row["median"]["real_time"] * int(threads) / blocks
    cases = sorted({key[1:] for key in ns}, reverse=False)

    def to_best(case):
        return ns["growstack", *case] / min(ns[(a, *case)] for a in allocators)

    print_table("heap: allocate and free, ns a block for each thread; medians",
                ["", "growstack", *allocators, "to the best of them", "to one thread"],
                [[f"{pattern}, {size(bytes_)}, threads: {threads}",
                  f"{ns['growstack', pattern, bytes_, threads]:.2f}"] +
                 [f"{ns[a, pattern, bytes_, threads]:.2f}" for a in allocators] +
                 [f"{to_best((pattern, bytes_, threads)):.2f}",
                  f"{ns['growstack', pattern, bytes_, threads] / ns['growstack', pattern, bytes_, 1]:.2f}"]
                 for pattern, bytes_, threads in cases])
    print_aim("batch of 256, 64 B and 64 KiB", 1.1, max(to_best(("batch", b, 1)) for b in (64, 64 * KIB)), "x the best")
    print_aim("pair", 1.2, max(to_best(case) for case in cases if case[0] == "pair" and case[2] == 1), "x the best")
    to_one = [ns["growstack", p, b, 2] / ns["growstack", p, b, 1] for p, b, threads in cases if threads == 2]
    print_aim("two threads", 1.3, max(to_one), "x one thread")


def print_density(directory):
    runs = {}
    for line in (directory / "density.jsonl").read_text(encoding="utf-8").splitlines():
        run = json.loads(line)
        runs.setdefault((run["count"], run["kind"]), []).append(run)
    # Times in the program itself are counted by the system's clock ticks: only their mean says something.
    def combine(field, of_key):
        return (statistics.fmean if field.endswith("user_ns") else statistics.median)(run[field] for run in of_key)

    row = {key: {field: combine(field, of_key) for field, value in of_key[0].items() if isinstance(value, (int, float))}
           for key, of_key in runs.items()}
    kinds = list(dict.fromkeys(kind for _, kind in row))
    ours = [kind for kind in kinds if not kind.startswith(("boost", "goroutine"))]
    counts = sorted({count for count, _ in row})

    def cell(of_kind, field, form):
        return format(of_kind[field], form) if field in of_kind else "-"

    for count in counts:
        header = ["", "bytes", "after spike", "create ns", "user", "faults", "resume ns", "spike ns", "end ns", "user",
                  "peak"]
        print_table(f"{count:,} suspended at once; bytes and ns each, memory with page tables; a spike is 32 KiB deep, "
                    "and trimmed", header,
                    [[kind] + [cell(row[count, kind], field, form) for field, form in (
                        ("bytes", ".0f"), ("bytes_after_spike", ".0f"), ("create_ns", ".0f"), ("create_user_ns", ".0f"),
                        ("create_faults", ".2f"), ("resume_ns", ".0f"), ("spike_ns", ".0f"), ("end_ns", ".0f"),
                        ("end_user_ns", ".0f"))] + [size(row[count, kind]["peak_bytes"])] for kind in kinds])
    most = {kind: row[counts[-1], kind] for kind in kinds}
    for kind, aim in (("contiguous_dense_2K", 2300), ("contiguous_dense_1K", 1400), ("contiguous_4K", 4400),
                      ("segmented_4K", 4400)):
        print_aim(f"{kind}", aim, most[kind]["bytes"], "bytes each")
    after = [most[k]["bytes_after_spike"] / most[k]["bytes"] for k in ours if "bytes_after_spike" in most[k]]
    print_aim("after a spike and a trim", 1.1, max(after), "x before")
    if "goroutine" in most:
        for kind in ours:
            print_aim(f"{kind}, create", 1, most[kind]["create_ns"] / most["goroutine"]["create_ns"], "x goroutines")
    for kind in ours if len(counts) > 1 else []:
        few, many = (sum(row[count, kind][f"{phase}_user_ns"] for phase in ("create", "resume", "end"))
                     for count in (counts[0], counts[-1]))
        print_aim(f"{kind}, create, resume and end without page faults, {counts[-1]:,}", 2, many / few,
                  f"x {counts[0]:,}")
    print_aim("memory at most", 6, max(most[kind]["peak_bytes"] for kind in ours) / (KIB * KIB * KIB), "GiB")
    print_aim("mappings", 65530, max(most[kind]["mappings"] for kind in ours), "")


def print_peers(directory):
    found = {}
    for record in results.records(directory):
        found.setdefault((record["axis"], record["parameter"]), {})[record["peer"]] = record["values"]
    for axis, parameter, baseline, title in (
            ("switch", "pair", "raw_fcontext", "resume + yield, ns a pair"),
            ("create", "run", "raw_fcontext", "create, run, finish, destroy, ns")):
        of_peers = found[axis, parameter]
        base = statistics.median(of_peers[baseline])
        table = []
        for peer, values in sorted(of_peers.items(), key=lambda item: statistics.median(item[1])):
            lo, middle, hi = results.quartiles(values)
            table.append([peer, f"{middle:.2f}", f"{lo:.2f} - {hi:.2f}", f"{middle / base:.2f}"])
        print_table(f"peers: {title}", ["", "median", "quartiles", "to raw"], table)
    print_peer_growth(found)
    print_peer_hot_split(found)


def print_peer_growth(found):
    sizes = [s for s in (64 * KIB, 1024 * KIB, 8192 * KIB) if ("growth", f"{s}/first") in found]
    cells = {}
    for s in sizes:
        for which in ("first", "again"):
            for peer, values in found["growth", f"{s}/{which}"].items():
                cells.setdefault(peer, {})[s, which] = f"{statistics.median(values):.1f}"
    keys = [(s, which) for s in sizes for which in ("first", "again")]
    print_table("peers: reach a depth by frames of about 100 bytes, ns per KiB with the recursion itself; medians",
                [""] + [f"{size(s)} {which}" for s, which in keys],
                [[peer] + [of_peer.get(key, "-") for key in keys] for peer, of_peer in cells.items()])


def print_peer_hot_split(found):
    sweeps = {}
    for (axis, depth), of_peers in found.items():
        if axis == "hot_split":
            for peer, values in of_peers.items():
                sweeps.setdefault(peer, []).append((int(depth), min(values)))
    table = []
    for peer, sweep in sweeps.items():
        usual, worst = (f(ns for _, ns in sweep) for f in (statistics.median, max))
        table.append([peer, f"{usual:.2f}", f"{worst:.2f}", f"{worst / usual:.2f}"])
    print_table("peers: hot split, minima in ns a call; goroutines clear the callee's frame",
                ["", "median depth", "worst", "worst/median"], table)


def print_patterns(directory):
    rows, _ = read(directory, "patterns")
    median = times(rows, "median")
    stacks = [policy for policy in POLICIES if policy != "fixed"]
    names = ["fib", "tak", "ack", "motzkin", "quicksort", "boundary", "generator", "walk"]
    print_table("patterns: us on a fixed stack, and ratios to it; medians", ["", "fixed, us", *stacks],
                [[pattern, f"{median['fixed', pattern] / 1000:.1f}"] +
                 [f"{median[s, pattern] / median['fixed', pattern]:.2f}" for s in stacks] for pattern in names])


def main():
    directory = pathlib.Path(sys.argv[1])
    for part in (print_switch, print_create, print_relocate, print_growth, print_hot_split, print_guard, print_check,
                 print_exceptions, print_moving, print_heap, print_density, print_peers, print_patterns, print_jobs):
        try:
            part(directory)
        except (NotMeasured, FileNotFoundError, KeyError, ValueError) as missing:
            what = part.__name__.removeprefix("print_")
            print(f"\n{what}: not measured, or in part; missing: {missing}")


main()
