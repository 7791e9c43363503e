"""Runs a program in gdb and looks at its coroutines: SCRIPT=growstack-gdb.py PROGRAM=... gdb -nx -batch -x gdb_test.py

What is compared is the order of the functions named below: where a compiler inlines others is not the point.
"""
import collections
import os
import re
import subprocess
import tempfile

import gdb

SCRIPT, PROGRAM = os.environ["SCRIPT"], os.environ["PROGRAM"]
ENTRY = "growstack_enter growstack_first_frame"
CHUNKS = "deep( __morestack deep){5,}"
OF_INTEREST = set(f"""stop_on_chunks stop_on_pinned stop_on_moved stop_in_native stop_in_inner stop_in_main
    deep yield_once with_inner with_escaping with_alloca without_check without_checks called_natively inner_body outer_body natively_outer
    on_thread crash main keep_many grow_in_all_ways __morestack growstack_make_room growstack_leave_chunk
    growstack_allocate serve_fault move_at_fault pass_fault_on signal {ENTRY}""".split())
ESCAPED = {"inner": "{5, 6, 7}", "escaping": "{1, 2, 3}", "kept": "10"}
REGISTERS = ["rip", "rsp", "rbp", "rbx"]

Row = collections.namedtuple("Row", "id policy status stack used chunks escape pieces where")

results = []


def check(name, is_right, shown=""):
    results.append(bool(is_right))
    print(f"{'passed' if is_right else 'FAILED'}: {name}")
    if not is_right:
        print(shown)


def run(command):
    return gdb.execute(command, to_string=True)


def go_to(place, command="continue"):
    run("delete")
    run(f"tbreak {place}")
    run(command)


def functions(text):
    """Returns the functions of a backtrace that are of interest, the innermost first; a run of one is one name."""
    names = []
    text = text.replace("<signal handler called>", "signal")
    for called in re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(.*)", text, re.MULTILINE):
        called = re.sub(r"^(\(anonymous namespace\)::|growstack::(grow::)?)*", "", called)
        name = re.match(r"\w*", called)[0]
        is_of_lambda = re.match(r"(\(\))?::", called[len(name):])
        if name in OF_INTEREST and not is_of_lambda and names[-1:] != [name]:
            names.append(name)
    return " ".join(names)


def check_backtrace(name, expected, command="backtrace"):
    """`expected`: a regular expression, of all of it."""
    text = run(command)
    check(name, "stopped" not in text and "??" not in text and re.fullmatch(expected, functions(text)), text)
    return text


def check_refusal(command, message):
    try:
        check(f"{command} is refused", False, run(command))
    except gdb.error as refusal:
        check(f"{command} is refused: {message}", message in str(refusal), refusal)


def rows():
    """Returns what `growstack coroutines` lists, and its last line."""
    header, *lines, last = run("growstack coroutines").splitlines()
    columns = header.lower().split()
    found = [dict(zip(columns, re.split(r" {2,}", line.strip(), maxsplit=len(columns) - 1))) for line in lines]
    return [Row(**{"escape": None, "pieces": None, **row}) for row in found], last


def find(listed, name, is_meant):
    """Returns the one that is meant."""
    found = [row for row in listed if is_meant(row)]
    check(f"{name} is listed", len(found) == 1, "\n".join(map(str, listed)))
    return found[0]


def bt(row, options=""):
    return f"growstack bt {row.id} {options}"


# The stops, in their order.

def look_at_growth():
    go_to("stop_on_chunks", "run")
    text = check_backtrace("a backtrace crosses the chunks of a segmented stack", f"stop_on_chunks {CHUNKS} {ENTRY}")
    check("it shows every frame", len(re.findall(r"\bdeep \(", text)) == 65, text)
    check_backtrace("bt root shows the stack that has resumed it", "(grow_in_all_ways )?main", "growstack bt root")
    go_to("growstack_leave_chunk")
    check_backtrace("a backtrace from the end of a chunk goes on", f"growstack_leave_chunk( __morestack deep)+ {ENTRY}")
    go_to("stop_on_pinned")
    check_backtrace("a backtrace crosses the chunks of a pinned stack", f"stop_on_pinned {CHUNKS} {ENTRY}")
    go_to("growstack_make_room")
    check_backtrace("a backtrace from growth goes on", f"growstack_make_room __morestack (deep )?{ENTRY}")
    go_to("stop_on_moved")
    check_backtrace("a backtrace shows a stack that has moved", f"stop_on_moved deep {ENTRY}")
    go_to("growstack_allocate")
    check_backtrace("a backtrace from an alloca goes on", f"growstack_allocate __morestack with_alloca {ENTRY}")
    go_to("growstack::grow::serve_fault")
    faulting = f"signal without_check without_checks {ENTRY}"
    check_backtrace("a backtrace from the fault handler goes on", f"serve_fault {faulting}")
    go_to("growstack::grow::move_at_fault")
    check_backtrace("a backtrace from a move at a fault goes on", f"move_at_fault __morestack serve_fault {faulting}")
    moving = find(rows()[0], "a coroutine that is moved", lambda row: row.status == "running")
    check("it is listed with the function that has no room", "without_check" in moving.where, moving)
    go_to("stop_in_native")
    natively = "stop_in_native called_natively __morestack"
    check_backtrace("a backtrace from native() goes on in the coroutine", f"{natively} {CHUNKS} {ENTRY}")


def look_at_many():
    go_to("stop_in_main")
    registers = [gdb.newest_frame().read_register(name) for name in REGISTERS]
    run("frame 1")
    listed, sum_line = rows()
    check("all that have not ended are listed", len(listed) == 9 and sum_line.startswith("9 alive; 1 ended"), sum_line)
    look_at_suspended(listed)
    look_at_escaped(listed)
    look_at_others(listed)
    check("bt all shows each", run("growstack bt all").count("coroutine 0x") == 9, run("growstack bt all"))
    check("the selected frame is what it was", gdb.selected_frame().level() == 1, gdb.selected_frame().level())
    check("and the registers", registers == [gdb.newest_frame().read_register(name) for name in REGISTERS])
    check_backtrace("and the backtrace", "stop_in_main (keep_many )?main")
    check_refusal("growstack bt 1", "there is no coroutine 0x1")
    check_refusal("growstack bt", "of which?")
    check_refusal("growstack bt root", "no coroutine runs on this thread")


def look_at_suspended(listed):
    def yielding(policy, stack=None):
        def is_meant(row):
            return row[1:3] == (policy, "suspended") and "yield_once" in row.where and stack in (None, row.stack)
        return find(listed, f"a suspended {policy} of {stack or 'any'} bytes", is_meant)

    chunked = yielding("segmented_stack")
    is_counted = int(chunked.chunks) >= 5 and int(chunked.stack) > int(chunked.used) > 65536
    check("its chunks are counted, and their bytes", is_counted, chunked)
    check_backtrace("bt shows a suspended stack with chunks", f"yield_once {CHUNKS} {ENTRY}", bt(chunked))
    moved = yielding("contiguous_stack", "131072")
    check_backtrace("bt shows a suspended stack that has moved", f"yield_once deep {ENTRY}", bt(moved))
    full = run(bt(moved, "full"))
    check("bt ID full shows locals", re.search(r"deep \(levels=.*\n\s+room = ", full), full)
    check_backtrace("bt shows a reserved stack", f"yield_once deep {ENTRY}", bt(yielding("reserved_stack")))
    check_backtrace("bt shows a dense stack", f"yield_once {ENTRY}", bt(yielding("contiguous_stack", "2048")))
    yielding("contiguous_stack", "16384")
    generator = find(listed, "a generator", lambda row: row.stack == "16384" and "yield_once" not in row.where)
    text = check_backtrace("bt shows a generator", ENTRY, bt(generator))
    check("from its yield on", "yield_value" in text, text)


def look_at_escaped(listed):
    escaped = find(listed, "one with locals whose address escapes", lambda row: "with_inner" in row.where)
    check("it has moved", escaped.stack == "131072", escaped)
    text = check_backtrace("bt full shows it", f"with_inner deep with_escaping {ENTRY}", bt(escaped, "full"))
    # With optimisation, the compiler's description of an escape stack's variables has gaps.
    gap = "<optimized out>" if PROGRAM.endswith("O2") else None
    check("its locals are right", "escaping = {1, 2, 3}" in text and all(
        f"{name} = {value}" in text or f"{name} = {gap}" in text for name, value in ESCAPED.items()), text)
    if escaped.pieces:
        is_right = 20 * 1024 + 24 <= int(escaped.escape) < 22 * 1024 and int(escaped.pieces) > 1
        check("in a safe build, what is in use of its escape stack is listed, and the pieces", is_right, escaped)
    others = [row for row in listed if row.where == "(not started)"]
    check("nothing is in use of those that have not started", all(row.escape in (None, "0") for row in others), others)


def look_at_others(listed):
    fresh = find(listed, "one that has not started", lambda row: row.where == "(not started)")
    check("bt says that it has not started", "it has not started" in run(bt(fresh)), run(bt(fresh)))
    other = find(listed, "one that runs on another thread", lambda row: row.status == "running")
    check("it is listed with that thread", other.where.startswith("(thread 2) "), other)
    check_backtrace("bt shows one that runs on another thread", f"on_thread {ENTRY}", bt(other))


def look_at_normal():
    listed = [row for row in rows()[0] if "(thread 2)" not in row.where]
    look_at_escaped(listed)
    running = find(listed, "the running one", lambda row: row.status == "running")
    normal = find(listed, "a normal one", lambda row: row.status == "normal" and "native" not in row.where)
    native = find(listed, "one in native()", lambda row: row.status == "normal" and "(in native)" in row.where)
    check("the running one is at the breakpoint", re.match(r"\(thread 1\) .*stop_in_inner", running.where), running)
    check_backtrace("a backtrace ends at a nested coroutine's entry", f"stop_in_inner inner_body {ENTRY}")
    text = check_backtrace("bt of the running one is the same", f"stop_in_inner inner_body {ENTRY}", bt(running))
    check("it says who resumed it", f"running, resumed by coroutine {normal.id}:" in text, text)
    text = check_backtrace("bt shows a normal one, which waits for another", f"outer_body {ENTRY}", bt(normal))
    check("it says that a thread resumed it", "normal, resumed by thread 1:" in text, text)
    check_backtrace("bt shows one that waits in native()", ENTRY, bt(native))
    check_backtrace("bt root shows what it waits for", f"natively_outer __morestack {ENTRY}", "growstack bt root")


def look_at_core_file(directory):
    def seen():
        return [run(f"growstack {command}") for command in ("coroutines", "bt all -frame-arguments none", "bt root")]

    run("set environment GROWSTACK_GUARD mprotect")  # gdb leaves out memory that has guard regions
    go_to("stop_in_inner", "run")
    live = seen()
    run(f"gcore {directory}/core")
    run("kill")
    run("unset environment GROWSTACK_GUARD")
    run(f"core-file {directory}/core")
    of_core = seen()
    check("a core file shows what the process showed", live == of_core, "\n".join([*live, *of_core]))
    look_at_normal()
    run("core-file")


def look_at_crash():
    run("set args crash")
    go_to("growstack::pass_fault_on", "run")
    check_backtrace("a fault of the program's stops where it is passed on", f"pass_fault_on signal crash {ENTRY}")
    run("kill")
    run("set args")


def is_exported(symbol):
    """Says if strip leaves it in: Clang has the linker export all symbols where there is SafeStack."""
    try:
        return run(f"info address {symbol}")
    except gdb.error:
        return None


def look_without_debug_info(directory):
    subprocess.run(["strip", "--strip-debug", "-o", f"{directory}/no-debug", PROGRAM], check=True)
    run(f"file {directory}/no-debug")
    go_to("stop_in_main", "run")
    listed, _ = rows()
    check("without debug info the same are listed", len(listed) == 9, listed)
    chunked = find(listed, "the one with chunks", lambda row: row.chunks != "0")
    check("with its function", "yield_once" in chunked.where, chunked)
    check_backtrace("bt shows it without debug info", f"yield_once {CHUNKS} {ENTRY}", bt(chunked))
    run("kill")
    subprocess.run(["strip", "-o", f"{directory}/stripped", PROGRAM], check=True)
    run(f"file {directory}/stripped")
    if not is_exported("growstack_for_debuggers"):
        return check_refusal("growstack coroutines", "the program is stripped")
    go_to("growstack::detail::attach_thread", "run")
    check("a stripped program that exports its symbols is listed", rows()[1].startswith("1 alive"), rows())
    run("kill")


def main():
    for setting in ("pagination off", "confirm off", "width 0", "height 0", "debuginfod enabled off"):
        run(f"set {setting}")
    run("handle SIGSEGV nostop noprint")
    run(f"source {SCRIPT}")
    run(f"file {PROGRAM}")
    look_at_growth()
    look_at_many()
    go_to("stop_in_inner")
    look_at_normal()
    run("continue")
    code = gdb.convenience_variable("_exitcode")
    check("the program then goes on and ends right", code is not None and int(code) == 0, code)
    look_at_crash()
    with tempfile.TemporaryDirectory() as directory:
        look_at_core_file(directory)
        look_without_debug_info(directory)


try:
    main()
except Exception as error:  # of gdb's, or of find(): none of the rest has passed
    check(f"the test ended early: {error}", False)
print(f"{results.count(True)} passed, {results.count(False)} failed")
gdb.execute(f"quit {int(not all(results))}")
