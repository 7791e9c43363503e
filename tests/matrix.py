"""Prints what each kind of stack does under each check as a Markdown table, and compares it with what is documented.

matrix.py EXPECTED PROGRAM...: a program's name ends in -COMPILER-FLAGS; each is tests/matrix/matrix.cpp. Cells that are not as
in the file EXPECTED are listed, and counted as failed.
"""
import os
import re
import signal
import subprocess
import sys

POLICIES = ["contiguous", "segmented", "reserved", "fixed"]
CHECKS = ["compiler", "probe", "guard"]
OVERFLOW = re.compile(r"^growstack: stack overflow in coroutine 0x[0-9a-f]+ \((\w+)\), in code without checks: .*\n$")


def outcome(program, policy, check, how):
    done = subprocess.run([program, policy, check, how], capture_output=True, text=True, timeout=60)
    if done.returncode == 0 and not done.stderr:
        return done.stdout.strip()
    line = OVERFLOW.match(done.stderr)
    if done.returncode == -signal.SIGABRT and line and line[1] == policy + "_stack" and not done.stdout:
        return "message and abort"
    return f"{done.returncode}: {done.stdout}{done.stderr}".replace("\n", " ")


def cell(program, policy, check):
    """What happens far beyond the first stack; if that works, also what happens in endless recursion."""
    far = outcome(program, policy, check, "far")
    if far not in ("moves", "links", "extends"):
        return far
    return f"{far}; at `max_bytes` {outcome(program, policy, check, 'endless')}"


def main(expected_file, programs):
    compilers = {os.path.basename(p).split("-", 2)[1] for p in programs}
    rows, passed, failed = {}, 0, 0
    with open(expected_file) as file:
        expected = dict(line.rstrip("\n").split(" | ") for line in file if " | " in line)
    for program in programs:
        _, compiler, flags = os.path.basename(program).split("-", 2)
        for policy in POLICIES:
            for check in CHECKS:
                found = cell(program, policy, check)
                wanted = "not built" if check == "compiler" and flags != "split" else expected[f"{policy} {check}"]
                if found == wanted:
                    passed += 1
                else:
                    failed += 1
                    print(f"{compiler}, {flags}: {policy}, {check}: {found}\n    expected: {wanted}")
                if found != "not built":
                    rows.setdefault(f"`{policy}_stack`", {}).setdefault(check, set()).add(found)
    print("| far beyond the first stack | " + " | ".join(CHECKS) + " |")
    print("|---" * (len(CHECKS) + 1) + "|")
    for policy, checks in rows.items():
        print(f"| {policy} | " + " | ".join(" or ".join(sorted(checks.get(c, {"not built"}))) for c in CHECKS) + " |")
    print(f"Compilers: {', '.join(sorted(compilers))}; {len(programs)} programs.")
    print(f"{passed} passed, {failed} failed")
    return failed != 0 or passed == 0


sys.exit(main(sys.argv[1], sys.argv[2:]))
