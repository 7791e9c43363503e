#!/usr/bin/env python3
"""Runs the benchmarks that are built, in turns, and prints the tables. bench/run calls it, after it has built them.

What fails or takes too long is told and left out. Ctrl-C ends what is running, and what has been measured so far is
kept and printed.
Usage: measure.py BUILD quick|default|full
"""
import contextlib
import dataclasses
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import time

import results

BENCH = pathlib.Path(__file__).parent


@dataclasses.dataclass
class Mode:
    rounds: int  # processes of each benchmark: where memory happens to lie differs between them, and figures with it
    scale: float  # of the repetitions within a process
    counts: tuple  # of coroutines at once, in every round
    last_counts: tuple = ()  # in the last round only


MODES = {"quick": Mode(5, 0.2, (10_000,)), "default": Mode(11, 0.75, (10_000,), (100_000,)),
         "full": Mode(15, 1.0, (10_000, 100_000), (1_000_000, 1_000_000))}
NEEDED_GIB = {1_000_000: 14}

# Repetitions, and the least time of one in seconds. Those of growth and hot_split set their iterations themselves.
GOOGLE_BENCHMARKS = {
    "switch": (25, 0.01), "create": (25, 0.005), "relocate": (15, 0.002), "growth": (5, 0.001), "hot_split": (5, 0.001),
    "guard": (25, 0.002), "moving": (9, 0.005), "check-gcc": (5, 0.001), "check-clang": (5, 0.001),
    "exceptions": (9, 0.002), "patterns": (9, 0.003), "jobs": (5, 0.002),
    **{f"heap-{allocator}": (5, 0.002) for allocator in ("growstack", "glibc", "tcmalloc", "mimalloc", "jemalloc")},
}
LEAST_REPETITIONS = 2
NEEDS = {"check-clang": "clang", "jobs": "rapidjson-dev", "heap-tcmalloc": "libgoogle-perftools-dev",
         "heap-mimalloc": "libmimalloc-dev", "heap-jemalloc": "libjemalloc-dev"}  # besides libbenchmark-dev
PEERS = {  # what each needs, as a Debian package
    "boost_context": "libboost-context-dev", "boost_coroutine2": "libboost-coroutine-dev",
    "boost_fiber": "libboost-fiber-dev",
    "ucontext": "", "stackless": "", "libgcc": "g++", "goroutine": "golang-go", "gccgo": "gccgo",
}


@dataclasses.dataclass
class Step:
    name: str
    command: list
    output: str = ""  # the file of the results directory that takes what it prints; google-benchmark writes one itself
    limit_s: float = 60
    round: int = 0


def google_benchmark(name, binary, mode, round_, directory):
    repetitions, min_s = GOOGLE_BENCHMARKS[name]
    repetitions = max(LEAST_REPETITIONS, round(repetitions * mode.scale))
    return Step(name, [binary, f"--benchmark_out={directory / f'{name}.{round_}.json'}", "--benchmark_out_format=json",
                       f"--benchmark_repetitions={repetitions}", "--benchmark_enable_random_interleaving=true",
                       "--benchmark_report_aggregates_only=true", f"--benchmark_min_time={min_s}"], round=round_)


def density(binaries, counts, round_):
    kinds = subprocess.run([binaries / "density"], capture_output=True, text=True, check=True).stdout.split()
    commands = {kind: [binaries / "density", kind] for kind in kinds}
    if (binaries / "density-go").exists():
        commands["goroutine"] = [binaries / "density-go"]
    for count in counts:
        for kind, command in commands.items():
            yield Step(f"density {kind} {count:,}", [*command, str(count)], "density.jsonl", 60 + count / 5000, round_)


def available_gib():
    return int(re.search(r"MemAvailable: *(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) >> 20


def plan(binaries, mode, directory):
    """Returns the steps, those of one round after those of another, and what is not there."""
    steps, skipped = [], []
    for name in GOOGLE_BENCHMARKS:
        if not (binaries / name).exists():
            skipped.append({"what": name, "why": f"not built: {NEEDS.get(name, 'libbenchmark-dev')} is not installed"})
    for name, package in PEERS.items():
        if not (binaries / f"peer-{name}").exists():
            skipped.append({"what": f"peer-{name}", "why": f"not built: {package} is not installed"})
    if not (binaries / "density-go").exists():
        skipped.append({"what": "density-go", "why": "not built: golang-go is not installed"})
    for count in set(mode.counts + mode.last_counts):
        if available_gib() < NEEDED_GIB.get(count, 0):
            skipped.append({"what": f"density {count:,}",
                            "why": f"less than {NEEDED_GIB[count]} GiB of memory are available"})
    for round_ in range(1, mode.rounds + 1):
        for name in GOOGLE_BENCHMARKS:
            if (binaries / name).exists():
                steps.append(google_benchmark(name, binaries / name, mode, round_, directory))
        for name in PEERS:
            binary = binaries / f"peer-{name}"
            if binary.exists():
                steps.append(Step(f"peer-{name}", [binary], "peers.jsonl", round=round_))
                if name == "libgcc":
                    steps.append(Step("peer-libgcc signals", [binary, "signals"], "peers.jsonl", round=round_))
        counts = mode.counts + (mode.last_counts if round_ == mode.rounds else ())
        steps += density(binaries, [c for c in counts if available_gib() >= NEEDED_GIB.get(c, 0)], round_)
    return steps, skipped


class Progress:
    """A bar on a terminal, a line for each step elsewhere.

    The time left is that of the same steps before, else that of the mean step.
    """

    def __init__(self, steps):
        self.steps, self.took, self.done = steps, {}, 0
        self.is_terminal = sys.stderr.isatty()

    def left_s(self):
        mean = sum(self.took.values()) / len(self.took) if self.took else 1
        return sum(self.took.get(step.name, mean) for step in self.steps[self.done:])

    def show(self, step):
        left = round(self.left_s())
        text = f"{step.name}, round {step.round}, about {left // 60}:{left % 60:02} left"
        if self.is_terminal:
            filled = 30 * self.done // len(self.steps)
            line = f"[{'#' * filled}{'.' * (30 - filled)}] {100 * self.done // len(self.steps):3} %  {text}"
            print(f"\r\033[K{line[:shutil.get_terminal_size().columns - 1]}", end="", file=sys.stderr, flush=True)
        else:
            print(f"{self.done + 1}/{len(self.steps)} {text}", file=sys.stderr, flush=True)

    def say(self, text):
        print(("\r\033[K" if self.is_terminal else "") + text, file=sys.stderr, flush=True)

    def finish(self, step, took_s):
        self.done += 1
        self.took[step.name] = took_s

    def clear(self):
        if self.is_terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def kill_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    if process.stdout:
        process.stdout.close()


@contextlib.contextmanager
def interrupts_wait():
    """An interrupt waits until the block is left. In the middle of Popen it would leave a process that nobody knows."""
    came = []
    handlers = {number: signal.signal(number, lambda *_: came.append(True)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


def run(step, directory):
    """Returns why the step failed, or nothing. Whatever happens, none of its processes is left."""
    log = directory / f"{step.name.replace(' ', '-').replace(',', '')}.log"
    process = None
    with open(log, "w", encoding="utf-8") as errors:
        try:
            with interrupts_wait():
                process = subprocess.Popen(step.command, stdout=subprocess.PIPE if step.output else errors,
                                           stderr=errors, text=True, start_new_session=True)
            printed, _ = process.communicate(timeout=step.limit_s)
        except subprocess.TimeoutExpired:
            return f"took longer than {step.limit_s:.0f} s"
        finally:
            if process:
                kill_group(process)
    if process.returncode < 0:
        return f"signal {-process.returncode}"
    if process.returncode > 0:
        return f"exit status {process.returncode}, see {log}"
    if step.output:
        with open(directory / step.output, "a", encoding="utf-8") as lines:
            lines.write(printed)
    return ""


def run_all(steps, directory):
    """Returns what failed, and whether all steps were run. What has failed is not tried again."""
    progress, failed = Progress(steps), []
    try:
        for step in steps:
            progress.show(step)
            start = time.monotonic()
            if step.name in (f["what"] for f in failed):
                progress.finish(step, 0)
                continue
            why = run(step, directory)
            progress.finish(step, time.monotonic() - start)
            if why:
                failed.append({"what": step.name, "why": why, "round": step.round})
                progress.say(f"{step.name} failed: {why}; the run goes on without it")
    except KeyboardInterrupt:
        progress.say(f"interrupted: what {progress.done} of {len(steps)} steps have measured is kept")
        return failed, False
    finally:
        progress.clear()
    return failed, True


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ""


def boost_version():
    header = pathlib.Path("/usr/include/boost/version.hpp")
    found = header.exists() and re.search(r'BOOST_LIB_VERSION "(.*)"', header.read_text(encoding="utf-8"))
    return found[1].replace("_", ".") if found else ""


def versions():
    found = {"growstack": first_line("git", "-C", str(BENCH), "describe", "--always", "--dirty"),
             **{compiler: first_line(compiler, "--version") for compiler in ("g++", "clang++", "gccgo")},
             "go": first_line("go", "version"), "boost": boost_version()}
    return {name: version for name, version in found.items() if version}


def frequency_mhz():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return [float(mhz) for mhz in re.findall(r"^cpu MHz.*: (.*)$", cpuinfo, re.MULTILINE)]


class Machine:
    def __init__(self, mode_name):
        name = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        self.known = {"cpu": name[1] if name else platform.machine(), "cpus": os.cpu_count(),
                      "kernel": f"{platform.system()} {platform.release()}",
                      "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "mode": mode_name,
                      "rounds": MODES[mode_name].rounds, "versions": versions(), "load": [], "frequency_mhz": []}
        self.note()

    def note(self):
        """Before and after: what else the machine does."""
        mhz = frequency_mhz()
        self.known["load"].append(os.getloadavg()[0])
        self.known["frequency_mhz"] += [sum(mhz) / len(mhz)] if mhz else []

    def print(self):
        k = self.known
        print(f"machine:  {k['cpus']} x {k['cpu']}, load {k['load'][0]:.2f}\nkernel:   {k['kernel']}\n"
              f"compiler: {k['versions'].get('g++', '?')}, -O2\ndate:     {k['date']}", flush=True)


def main():
    build, mode_name = pathlib.Path(sys.argv[1]), sys.argv[2]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    directory = build / "results"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    machine = Machine(mode_name)
    machine.print()
    steps, skipped = plan(build / "bench", MODES[mode_name], directory)
    for left_out in skipped:
        print(f"{left_out['what']} is skipped: {left_out['why']}", flush=True)
    start = time.monotonic()
    failed, complete = run_all(steps, directory)
    machine.note()
    path = results.write(directory, machine.known, skipped, failed, complete)
    print(f"measured in {time.monotonic() - start:.0f} s; all values: {path}", flush=True)
    tables = subprocess.run([sys.executable, BENCH / "summary.py", directory], check=False).returncode
    sys.exit(130 if not complete else 1 if failed or tables else 0)


if __name__ == "__main__":
    main()
