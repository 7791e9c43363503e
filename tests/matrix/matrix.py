#!/usr/bin/env python3
"""Runs the programs of the matrix and prints it: matrix.py EXPECTED PAGE NAME=PROGRAM...

One table for each compiler and set of flags, as EXPECTED has them; PAGE must show the table of what all of them have in common.
"""
import pathlib
import subprocess
import sys

CHECKS = ["compiler", "probe", "guard"]
ESCAPE = "escape stack"  # of safe builds


def cells(program):
    """Returns {policy: {check: outcome}}. Code without flags that has no probe is what the guard checks."""
    table = {}
    for line in subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines():
        policy, check, outcome = line.split("|", 2)
        check = "guard" if check == "none" else check
        known = table.setdefault(policy, {}).get(check)
        if known and known != outcome:
            sys.exit(f"{policy}, guard: '{known}' and '{outcome}'")
        table[policy][check] = outcome
    return table


def markdown(table):
    found = {check for row in table.values() for check in row}
    checks = [check for check in [*CHECKS, ESCAPE] if check in found or check != ESCAPE and ESCAPE not in found]
    rows = [["", *checks]] + [["`" + policy.replace(", ", "`, ", 1) + ("" if "," in policy else "`"), *(row.get(check, "") for check in checks)] for policy, row in table.items()]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]).replace("|  |", "| |")


def main(expected, page, *programs):
    everything, common, count = [], {}, 0
    for name, program in (argument.split("=", 1) for argument in programs):
        table = cells(program)
        everything.append(f"{name}\n\n{markdown(table)}\n")
        for policy, row in table.items():
            for check, outcome in row.items():
                count += 1
                if common.setdefault(policy, {}).setdefault(check, outcome) != outcome:
                    sys.exit(f"{name}: {policy}, {check}: {outcome}, but {common[policy][check]} elsewhere")
    text = "\n".join(everything)
    print(text)
    failed = []
    if text != pathlib.Path(expected).read_text(encoding="utf-8"):
        failed.append(f"differs from {expected}")
    summary = markdown({policy: {check: row[check] for check in [*CHECKS, ESCAPE] if check in row} for policy, row in common.items()})
    if summary not in pathlib.Path(page).read_text(encoding="utf-8"):
        failed.append(f"{page} does not show\n{summary}")
    print("\n".join(failed))
    print(f"{count - len(failed)} passed, {len(failed)} failed")
    sys.exit(bool(failed))


main(*sys.argv[1:])
