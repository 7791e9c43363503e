#!/usr/bin/env python3
"""Tests compare.py on files made up for it."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

COMPARE = pathlib.Path(__file__).with_name("compare.py")
BASE = [10.0, 10.1, 9.9, 10.05, 9.95]


def results(records, cpu="one"):
    return {"schema": 1, "complete": True, "machine": {"cpu": cpu}, "skipped": [], "failed": [],
            "records": [dict(zip(("axis", "peer", "parameter", "unit", "values"), record)) for record in records]}


def switch(values, unit="ns"):
    return results([("switch", "contiguous", "pair", unit, values)])


class Compare(unittest.TestCase):
    def compare(self, old, new):
        with tempfile.TemporaryDirectory() as directory:
            paths = [pathlib.Path(directory) / name for name in ("old.json", "new.json")]
            for path, content in zip(paths, (old, new)):
                path.write_text(json.dumps(content), encoding="utf-8")
            done = subprocess.run([sys.executable, COMPARE, *paths], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_equal_files_have_no_difference(self):
        code, output = self.compare(switch(BASE), switch(BASE))
        self.assertEqual(code, 0)
        self.assertIn("1 compared, 0 regressions, 0 better", output)

    def test_a_regression_beyond_the_noise_fails(self):
        code, output = self.compare(switch(BASE), switch([v * 1.2 for v in BASE]))
        self.assertEqual(code, 1)
        self.assertIn("switch/contiguous/pair: 10.00 -> 12.00 ns, +20.0%: REGRESSION", output)

    def test_a_gain_beyond_the_noise_is_printed_and_passes(self):
        code, output = self.compare(switch(BASE), switch([v * 0.8 for v in BASE]))
        self.assertEqual(code, 0)
        self.assertIn("-20.0%: better", output)

    def test_the_same_difference_within_the_noise_of_either_file_passes(self):
        noisy = [10.0, 14.0, 7.0, 12.0, 9.0]
        for old, new in ((noisy, [v * 1.2 for v in BASE]), (BASE, [v * 1.2 for v in noisy])):
            code, output = self.compare(switch(old), switch(new))
            self.assertEqual((code, "0 regressions, 0 better" in output), (0, True), output)

    def test_a_change_below_five_percent_passes_without_any_noise(self):
        self.assertEqual(self.compare(switch([10.0] * 5), switch([10.4] * 5))[0], 0)
        self.assertEqual(self.compare(switch([10.0] * 5), switch([10.6] * 5))[0], 1)

    def test_three_values_have_more_noise_than_their_quartiles_tell(self):
        old, new = [10.0, 10.0, 11.0], [11.5, 12.0, 12.5]
        self.assertEqual(self.compare(switch(old), switch(new))[0], 0)
        self.assertEqual(self.compare(switch(old), switch([v * 2 for v in new]))[0], 1)

    def test_the_worst_depth_of_a_hot_split_counts_wherever_it_is(self):
        def sweep(worst_at, worst):
            return results([("hot_split", "eager", str(depth), "ns", [worst if depth == worst_at else 1.5] * 3)
                            for depth in range(100)])
        self.assertEqual(self.compare(sweep(10, 12.0), sweep(60, 12.0))[0], 0)
        code, output = self.compare(sweep(10, 12.0), sweep(60, 20.0))
        self.assertEqual((code, "worst depth" in output), (1, True), output)

    def test_more_bytes_are_a_regression_and_more_moves_are_not(self):
        self.assertEqual(self.compare(switch(BASE, "bytes"), switch([v * 2 for v in BASE], "bytes"))[0], 1)
        both = [("jobs", "a", "json/moves", "count", BASE), ("switch", "a", "pair", "ns", BASE)]
        more = [("jobs", "a", "json/moves", "count", [v * 2 for v in BASE]), both[1]]
        self.assertEqual(self.compare(results(both), results(more))[0], 0)

    def test_too_few_values_are_said_and_nothing_to_compare_fails(self):
        code, output = self.compare(switch([10.0]), switch([20.0]))
        self.assertEqual((code, "1 with too few values" in output), (1, True), output)

    def test_another_machine_is_refused(self):
        code, output = self.compare(switch(BASE), results([], cpu="two"))
        self.assertEqual((code, "not the same machine" in output), (1, True), output)


if __name__ == "__main__":
    unittest.main()
