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
PEERS = ["raw_fcontext", "boost_fiber_fixed", "boost_coroutine2", "ucontext", "stackless", "goroutine"]


def times(factor, values=None):
    return [value * factor for value in values or BASE]


def results(records, **machine):
    return {"schema": 1, "complete": True, "skipped": [], "failed": [],
            "machine": {"cpu": "one", "cpus": 8, "mode": "default", "date": "now", "load": [1.0, 1.0],
                        "frequency_mhz": [3000.0, 3000.0], "versions": {}, **machine},
            "records": [dict(zip(("axis", "peer", "parameter", "unit", "values"), record)) for record in records]}


def switch(values, unit="ns", **machine):
    return results([("switch", "contiguous", "pair", unit, values)], **machine)


def beside_peers(ours, of_peers):
    """Returns results of a switch beside other code's, of which each has its own factor."""
    return results([("switch", "contiguous", "pair", "ns", ours)] +
                   [("switch", peer, "pair", "ns", times(factor)) for peer, factor in zip(PEERS, of_peers)])


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
        code, output = self.compare(switch(BASE), switch(times(1.2)))
        self.assertEqual(code, 1)
        self.assertIn("switch/contiguous/pair: 10.00 -> 12.00 ns, +20.0% without the machine's part: REGRESSION",
                      output)

    def test_a_gain_beyond_the_noise_is_printed_and_passes(self):
        code, output = self.compare(switch(BASE), switch(times(0.8)))
        self.assertEqual(code, 0)
        self.assertIn("-20.0% without the machine's part: better", output)

    def test_the_same_difference_within_the_noise_of_either_file_passes(self):
        noisy = [10.0, 14.0, 7.0, 12.0, 9.0]
        for old, new in ((noisy, times(1.2)), (BASE, times(1.2, noisy))):
            code, output = self.compare(switch(old), switch(new))
            self.assertEqual((code, "0 regressions, 0 better" in output), (0, True), output)

    def test_a_change_below_five_percent_passes_without_any_noise(self):
        self.assertEqual(self.compare(switch([10.0] * 5), switch([10.4] * 5))[0], 0)
        self.assertEqual(self.compare(switch([10.0] * 5), switch([10.6] * 5))[0], 1)

    def test_the_largest_of_nine_values_may_lie_anywhere_and_no_other(self):
        old, new = [10.0] * 9, [12.0] * 9
        self.assertEqual(self.compare(switch(old[1:] + [13.0]), switch(new))[0], 1)
        self.assertEqual(self.compare(switch(old[2:] + [13.0] * 2), switch(new))[0], 0)
        self.assertEqual(self.compare(switch(old), switch(new[1:] + [9.0]))[0], 0)

    def test_a_machine_that_is_slower_on_an_axis_is_said_and_no_regression(self):
        code, output = self.compare(beside_peers(BASE, [1] * 6), beside_peers(times(1.3), [1.3] * 6))
        self.assertEqual((code, "switch +30%" in output), (0, True), output)
        code, output = self.compare(beside_peers(BASE, [1] * 6), beside_peers(times(1.3 * 1.2), [1.3] * 6))
        self.assertEqual((code, "+20.0% without the machine's part: REGRESSION" in output), (1, True), output)

    def test_a_gain_of_the_machine_does_not_hide_a_regression(self):
        code, output = self.compare(beside_peers(BASE, [1] * 6), beside_peers(BASE, [0.7] * 6))
        self.assertEqual((code, "contiguous/pair: 10.00 -> 10.00" in output), (1, True), output)

    def test_a_baseline_that_changes_alone_is_no_regression(self):
        code, output = self.compare(beside_peers(BASE, [1] * 6), beside_peers(BASE, [0.7] + [1] * 5))
        said = "raw_fcontext/pair: 10.00 -> 7.00 ns, -30.0% without the machine's part: not growstack's"
        self.assertEqual((code, said in output), (0, True), output)

    def test_a_change_with_the_baseline_of_the_same_processes_is_no_regression(self):
        def sweep(best):
            return results([("hot_split", peer, str(depth), "ns", [best + depth / 100] * 5) for depth in range(100)
                            for peer in ("contiguous", "fixed")] +
                           [("switch", peer, "pair", "ns", BASE) for peer in PEERS])
        self.assertEqual(self.compare(sweep(1.3), sweep(2.6))[0], 0)

    def test_what_tells_two_runs_of_other_code_apart_tells_nothing_of_ours(self):
        apart = [1, 0.8, 1.2, 0.75, 1.25, 1]
        self.assertEqual(self.compare(beside_peers(BASE, [1] * 6), beside_peers(times(1.3), apart))[0], 0)
        self.assertEqual(self.compare(beside_peers(BASE, [1] * 6), beside_peers(times(4), apart))[0], 1)

    def test_two_threads_of_the_heap_have_a_machine_of_their_own(self):
        def heap(ours, others, threads):
            factors = {"growstack": ours, "glibc": others, "tcmalloc": others}
            return [("heap", allocator, f"batch-{size}-{threads}", "ns", times(factor))
                    for size in (16, 64, 256) for allocator, factor in factors.items()]
        old = results(heap(1, 1, 1) + heap(1, 1, 2))
        self.assertEqual(self.compare(old, results(heap(1, 1, 1) + heap(1.6, 1.6, 2)))[0], 0)
        code, output = self.compare(old, results(heap(1.6, 1, 1) + heap(1.6, 1.6, 2)))
        self.assertEqual((code, "3 regressions" in output), (1, True), output)

    def test_threads_on_all_cpus_must_take_twice_as_long(self):
        def heap(threads, factor):
            return results([("heap", "growstack", f"batch-64-{threads}", "ns", times(factor))], cpus=2)
        for threads, factor, code in ((1, 1.7, 1), (2, 1.7, 0), (2, 2.2, 1)):
            self.assertEqual(self.compare(heap(threads, 1), heap(threads, factor))[0], code)

    def test_a_fixed_stack_is_the_baseline_of_jobs_and_growstacks_own_where_it_switches(self):
        for axis, parameter, code in (("jobs", "regex", 0), ("switch", "pair", 1), ("patterns", "generator", 1)):
            old, new = (results([(axis, "fixed", parameter, "ns", values), ("guard", "in_place", "fault", "ns", BASE)])
                        for values in (BASE, times(1.5)))
            self.assertEqual(self.compare(old, new)[0], code)

    def test_the_worst_depth_of_a_hot_split_counts_wherever_it_is(self):
        def sweep(worst_at, worst):
            return results([("hot_split", "eager", str(depth), "ns", [worst if depth == worst_at else 1.5] * 5)
                            for depth in range(100)])
        self.assertEqual(self.compare(sweep(10, 12.0), sweep(60, 12.0))[0], 0)
        code, output = self.compare(sweep(10, 12.0), sweep(60, 20.0))
        self.assertEqual((code, "worst depth" in output), (1, True), output)

    def test_more_bytes_are_a_regression_and_more_moves_are_not(self):
        self.assertEqual(self.compare(switch(BASE, "bytes"), switch(times(2), "bytes"))[0], 1)
        both = [("jobs", "a", "json/moves", "count", BASE), ("switch", "a", "pair", "ns", BASE)]
        more = [("jobs", "a", "json/moves", "count", times(2)), both[1]]
        self.assertEqual(self.compare(results(both), results(more))[0], 0)

    def test_bytes_have_no_part_of_the_machines(self):
        def grown(factor):
            found = beside_peers(BASE, [factor] * 6)
            found["records"][0]["unit"] = "bytes"
            return found
        self.assertEqual(self.compare(grown(1), grown(0.5))[0], 0)

    def test_what_failed_is_missing_or_was_cut_short_is_said(self):
        old = results([("switch", "contiguous", "pair", "ns", BASE), ("jobs", "contiguous", "json", "ms", BASE)])
        new = switch(BASE)
        new.update(complete=False, skipped=[{"what": "peer-gccgo", "why": "not built"}])
        code, output = self.compare(old, new)
        self.assertEqual(code, 0)
        for said in ("the new run was cut short", "not in the new file: jobs (1 records)",
                     "the new run is without peer-gccgo: not built"):
            self.assertIn(said, output)

    def test_a_benchmark_of_ours_that_fails_in_the_new_run_only_is_a_regression_and_a_peer_is_not(self):
        def failed(what):
            return {**switch(BASE), "failed": [{"what": what, "why": "signal 11", "round": 1}]}
        code, output = self.compare(switch(BASE), failed("jobs"))
        self.assertEqual((code, "jobs fails in the new run only: REGRESSION" in output), (1, True), output)
        self.assertEqual(self.compare(failed("jobs"), failed("jobs"))[0], 0)
        self.assertEqual(self.compare(switch(BASE), failed("peer-gccgo"))[0], 0)

    def test_too_few_values_are_said_and_nothing_to_compare_is_refused(self):
        code, output = self.compare(switch(BASE[:4]), switch(times(2, BASE[:4])))
        self.assertEqual((code, "none of 1 records in both files has 5 values" in output), (2, True), output)
        both = [("density", "a", "100000/bytes", "bytes", [10.0]), ("switch", "a", "pair", "ns", BASE)]
        code, output = self.compare(results(both), results(both))
        self.assertEqual((code, "1 with too few values" in output), (0, True), output)

    def test_another_machine_and_another_mode_are_refused(self):
        for other, said in (({"cpu": "two"}, "not the same cpu: one, two"),
                            ({"mode": "quick"}, "not the same mode: default, quick")):
            code, output = self.compare(switch(BASE), switch(BASE, **other))
            self.assertEqual((code, said in output), (2, True), output)


if __name__ == "__main__":
    unittest.main()
