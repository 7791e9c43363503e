"""Prints how the tests of one build went: summary.py BUILD_DIRECTORY.

A line for each program, the output of those that failed, what is left out and why, and the sum. A test program's last line says how many
cases passed and failed, leaks included. A program that says nothing of cases (a lesson), or dies before it does, counts as one.
"""
import json
import pathlib
import re
import sys

CASES = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


def main(build):
    passed = failed = 0
    told = set()
    with open(f"{build}/meson-logs/testlog.json") as log:
        for line in log:
            test = json.loads(line)
            ok = test["result"] == "OK"
            cases = CASES.search(test.get("stdout") or "")
            more_passed, more_failed = (int(cases[1]), int(cases[2])) if cases else (int(ok), 0)
            if not ok and not more_failed:
                more_failed = 1
            passed += more_passed
            failed += more_failed
            name = test["name"].split(" / ")[-1]
            print(f"{name:28} {test['result']:8} {test['duration']:6.1f} s   {cases[0] if cases else ''}".rstrip())
            for reason in re.findall(r"^left out, .*$", test.get("stdout") or "", re.MULTILINE):
                if reason not in told:
                    print(f"    {reason}")
                told.add(reason)
            if not ok:
                print("\n".join((test.get("stdout") or "").splitlines()[-60:]))
                print("\n".join((test.get("stderr") or "").splitlines()[-20:]))
    for line in left_out(build):
        print(f"left out: {line}")
    print(f"{passed} passed, {failed} failed")


def left_out(build):
    # A build of the lessons alone has no such file.
    reasons = pathlib.Path(build, "tests", "left_out.txt")
    return reasons.read_text().strip().splitlines() if reasons.exists() else []


main(sys.argv[1])
