#!/usr/bin/env python3
"""Writes the tables of docs/idioms.md out of tests/idioms/*.cpp and tests/idioms/goes_wrong.list: table.py ROOT [--fix]

Without --fix it compares, and fails if the page is not what the idioms say.
"""
import pathlib
import re
import sys

FEWEST = 145
IDIOM = re.compile(r'^IDIOM\(\s*(\w+),\s*(\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)', re.MULTILINE)
BEGIN, END = "<!-- tests/idioms/table.py writes from here -->\n", "<!-- to here -->\n"
COLUMNS = ["split", "split-move", "guard", "safe", "safe-move"]

# The classes, in the order of the page: the heading, and why a move makes such an address stale.
CLASSES = {
    "private_": (
        "On the stack only",
        "A move re-points every word of the stack, and what is given to callees is there or in a register."),
    "heap": (
        "In the heap",
        "A move re-points what lies on the stack. A block in the heap keeps the old address."),
    "deeper_heap": (
        "Deeper in the heap",
        "As above; and no word of the stack points to the block in question, only blocks in the heap do."),
    "global": (
        "In globals",
        "A global variable keeps the old address, and so does a block that only it knows."),
    "thread_local_": (
        "In thread-local variables",
        "The thread's own variables, and the C library's record of the thread, keep the old address."),
    "thread": (
        "With another thread",
        "The other thread has the old address on its own stack, in its registers or in a block of the heap."),
    "kernel": (
        "In the kernel",
        "The kernel gives the old address back, or goes on to use it."),
    "encoded": (
        "In another form",
        "Most often the word is on the stack. But it does not look like an address, so it is not re-pointed."),
    "address_keyed": (
        "As a key",
        "The container looks where the new address would be, and has the old one."),
    "library": (
        "In a library",
        "What a library keeps behind the scenes lies in the heap, in a global or in a thread-local variable."),
    "exception": (
        "In exceptions",
        "An exception lies in the heap. A copy of it on the stack is re-pointed."),
    "stackless": (
        "In frames of C++20 coroutines",
        "The frame of such a coroutine lies in the heap, and its references keep the old address."),
    "variadic": (
        "In lists of variable arguments",
        "A `va_list` on the stack is re-pointed; one in the heap is not."),
}


def idioms(root):
    """Returns (name, class, sentence) of each, in the order of the files."""
    found = []
    for path in sorted((root / "tests/idioms").glob("*.cpp")):
        for name, where, strings in IDIOM.findall(path.read_text(encoding="utf-8")):
            found.append((name, where, "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', strings))))
    return found


def expectations(root):
    """Returns for each idiom of the list the columns in which it goes wrong, and why."""
    expected = {}
    for line in (root / "tests/idioms/goes_wrong.list").read_text(encoding="utf-8").splitlines():
        words, _, why = line.partition("#")
        if words.strip():
            name, *columns = words.split()
            expected[name] = (columns, why.strip())
    return expected


def check(found, expected):
    names = [name for name, _, _ in found]
    complaints = [f"the idiom {name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    complaints += [f"goes_wrong.list has {name}, which is no idiom" for name in expected if name not in names]
    complaints += [f"goes_wrong.list, {name}: there is no column {column}"
                   for name, (columns, _) in expected.items() for column in columns if column not in COLUMNS]
    complaints += [f"no idiom is of the class {where}" for where in CLASSES if where not in {w for _, w, _ in found}]
    if len(names) < FEWEST:
        complaints.append(f"only {len(names)} idioms are found")
    return complaints


def cell(columns, *of_cell):
    return "**wrong**" if set(of_cell) & set(columns) else "right"


def table(found, expected, where):
    heading, why = CLASSES[where]
    lines = ["", f"## {heading}", "", why, "",
             "| idiom | where the address goes | split | split, moves | guard | safe | other stacks |",
             "|---|---|---|---|---|---|---|"]
    for name, sentence in sorted((n, s) for n, w, s in found if w == where):
        columns, note = expected.get(name, ([], ""))
        text = f"{sentence} ({note})" if note else sentence
        cells = [cell(columns, "split"), cell(columns, "split-move"), cell(columns, "guard"),
                 cell(columns, "safe", "safe-move"), "right"]
        lines.append(f"| `{name}` | {text} | {' | '.join(cells)} |")
    return lines


def counts(found, expected):
    def right(*of_cell):
        return sum(cell(expected.get(name, ([], ""))[0], *of_cell) == "right" for name, _, _ in found)
    cells = [right("split"), right("split-move"), right("guard"), right("safe", "safe-move"), len(found)]
    return [f"| of {len(found)} | split | split, moves | guard | safe | other stacks |",
            "|---|---|---|---|---|---|",
            f"| are right | {' | '.join(map(str, cells))} |"]


def stale_number(root, count):
    """docs/safe-build.md says how many idioms there are."""
    text = (root / "docs/safe-build.md").read_text(encoding="utf-8")
    said = re.search(r"\[(\d+) idioms\]\(idioms.md\)", text)
    return [] if said and int(said[1]) == count else [f"docs/safe-build.md does not say that there are {count} idioms"]


def main(root, option=None):
    found, expected = idioms(root), expectations(root)
    complaints = check(found, expected)
    if option is None:
        complaints += stale_number(root, len(found))
    lines = counts(found, expected)
    for where in CLASSES:
        lines += table(found, expected, where)
    page = root / "docs/idioms.md"
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    was, after = rest.split(END)
    wanted = "\n".join(lines) + "\n"
    if option == "--fix":
        page.write_text(before + BEGIN + wanted + END + after, encoding="utf-8")
    elif was != wanted:
        stale = sorted(set(wanted.splitlines()) ^ set(was.splitlines()))
        complaints += [f"docs/idioms.md is not what the idioms say; tests/idioms/table.py . --fix writes it: {line}"
                       for line in stale or ["the order differs"]]
    print("\n".join(complaints))
    print(f"{len(found) - min(len(complaints), len(found))} passed, {len(complaints)} failed")
    sys.exit(bool(complaints))


main(pathlib.Path(sys.argv[1]).resolve(), *sys.argv[2:])
