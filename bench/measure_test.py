#!/usr/bin/env python3
"""Tests measure.py on programs that crash, hang and are not there."""
import contextlib
import io
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import measure

MEASURE = pathlib.Path(measure.__file__)
LINE = '{"cost": "switch", "peer": "stackless", "parameter": "pair", "ns": 1.5}'
CRASH = "kill -SEGV $$"
HANG = "sleep 1000 & echo $! >%s; sleep 1000"


def is_running(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"


def ends(pid):
    """Waits for a process that has been killed, and is not our child: on a busy machine it is still there for a moment."""
    end = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_running(pid)


class Measure(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.directory = pathlib.Path(self.temporary.name)
        self.pid_file = self.directory / "pid"

    def program(self, name, script):
        path = self.directory / "bench" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    def run_all(self, *scripts, limit_s=60, rounds=1):
        steps = [measure.Step(f"p{i}", [self.program(f"p{i}", script)], "out", limit_s, round_)
                 for round_ in range(1, rounds + 1) for i, script in enumerate(scripts)]
        with contextlib.redirect_stderr(io.StringIO()) as said:
            failed, complete = measure.run_all(steps, self.directory)
        output = self.directory / "out"
        return failed, complete, output.read_text(encoding="utf-8").split() if output.exists() else [], said.getvalue()

    def child(self):
        return int(self.pid_file.read_text(encoding="utf-8"))

    def test_a_program_that_crashes_or_fails_is_named_and_the_run_goes_on(self):
        failed, complete, output, said = self.run_all(CRASH, "exit 3", "echo right")
        self.assertEqual([f["what"] for f in failed], ["p0", "p1"])
        self.assertEqual(failed[0]["why"], "signal 11")
        self.assertIn("exit status 3", failed[1]["why"])
        self.assertEqual((complete, output), (True, ["right"]))
        self.assertIn("p0 failed: signal 11; the run goes on without it", said)

    def test_what_has_failed_is_not_tried_again(self):
        failed, _, output, _ = self.run_all(f"echo x >>{self.pid_file}; exit 1", "echo right", rounds=3)
        self.assertEqual((len(failed), output), (1, ["right"] * 3))
        self.assertEqual(self.pid_file.read_text(encoding="utf-8").split(), ["x"])

    def test_a_program_that_hangs_is_ended_with_its_children(self):
        failed, complete, output, _ = self.run_all(HANG % self.pid_file, "echo right", limit_s=1)
        self.assertEqual(failed[0]["why"], "took longer than 1 s")
        self.assertEqual((complete, output), (True, ["right"]))
        self.assertTrue(ends(self.child()))

    def test_an_interrupt_leaves_no_process_and_keeps_what_was_measured(self):
        self.program("density", "")
        self.program("peer-ucontext", f"echo '{LINE}'")
        self.program("peer-stackless", HANG % self.pid_file)
        with subprocess.Popen([sys.executable, MEASURE, self.directory, "quick"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as run:
            while not self.pid_file.exists() or not self.pid_file.read_text(encoding="utf-8"):
                time.sleep(0.01)
            run.send_signal(signal.SIGINT)
            output, said = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130)
        self.assertTrue(ends(self.child()))
        self.assertIn("interrupted: what 1 of", said)
        results = json.loads((self.directory / "results.json").read_text(encoding="utf-8"))
        self.assertEqual((results["complete"], results["records"][0]["values"]), (False, [1.5]))
        self.assertIn("peer-gccgo is skipped: not built: gccgo is not installed", output)
        self.assertIn("check-clang is skipped: not built: clang is not installed", output)


if __name__ == "__main__":
    unittest.main()
