#!/usr/bin/env python3
"""Checks that every include points down: from a folder to itself, or to one further up the list in src/meson.build.

include/growstack is the ground under all of them, and includes nothing of src/. And that only the arch folders name
what a machine has: its registers, its instructions.

With the library, layers.py LIBGROWSTACK.A, the same for calls: headers could hide those that go up. What is declared in
include/ may be called from everywhere, and the assembly calls what src/arch/arch.hpp says.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

MACHINE = re.compile(
    r"x86.?64|\bgreg_t\b|\bREG_[A-Z0-9]+\b|%fs\b|\b[re]?[abcd]x\b|\b[re][sbi]p\b|\b[xyz]mm\d|\b_mm\d*_"
    r'|\brep (stos|movs)|__builtin_cpu|\basm[\w\s]*\(\s*"[^"]')
ARCH = re.compile("src/arch/|include/growstack/detail/arch")


def layers():
    """Returns the folders of src/, lowest first, as src/meson.build visits them."""
    listed = re.search(r"foreach folder : \[([^\]]*)\]", (ROOT / "src/meson.build").read_text())
    return re.findall(r"'([^']+)'", listed[1])


def includes():
    """Yields (file, its folder or None for include/, where the include is found: a folder of src/ or None, its text)."""
    for path in sorted(ROOT.glob("src/**/*.[chS]*")) + sorted(ROOT.glob("include/**/*.hpp")):
        name = path.relative_to(ROOT)
        folder = name.parts[1] if name.parts[0] == "src" else None
        for quote, text in INCLUDE.findall(path.read_text()):
            if quote == '"':
                yield name, folder, text.split("/")[0] if "/" in text else "?", text
            elif text.startswith("growstack/") and not (ROOT / "include" / text).exists():
                yield name, folder, "?", text


def machine_words():
    """Yields (file, what it names) for each file outside the arch folders that names something of a machine."""
    for path in sorted(ROOT.glob("src/**/*.[chS]*")) + sorted(ROOT.glob("include/**/*.hpp")):
        name = path.relative_to(ROOT)
        found = MACHINE.search(path.read_text())
        if found and not ARCH.match(str(name)):
            yield name, found[0]


def upward_calls(order, library):
    """Yields (object, function, object above that has it)."""
    ground = " ".join(path.read_text() for path in [ROOT / "src/arch/arch.hpp", *ROOT.glob("include/**/*.hpp")])
    definitions, uses = {}, []
    listing = subprocess.run(["nm", "-A", "-C", library], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        owner, kind, symbol = re.match(r"[^:]*:([^:]*):[0-9a-f ]* (\w) (.*)", line).groups()
        if kind == "T":
            definitions[symbol] = owner
        elif kind == "U":
            uses.append((owner, symbol))
    for user, symbol in uses:
        owner = definitions.get(symbol)
        name = re.sub(r"\(.*", "", symbol).split("::")[-1]
        if owner and order.index(owner.split("_")[0]) > order.index(user.split("_")[0]) and name not in ground:
            yield user, symbol, owner


def problem(order, folder, target, text):
    if target not in order or not (ROOT / "src" / text).exists():
        return f"there is no src/{text}; write the path from src/"
    if folder is None:
        return "a header that users include must not need one of src/"
    if order.index(target) > order.index(folder):
        return f"{target} lies above {folder}"
    return None


def main():
    order = layers()
    unknown = [p.name for p in (ROOT / "src").iterdir() if p.is_dir() and p.name not in order]
    passed, problems = 0, [f"src/{name} is not in src/meson.build" for name in unknown]
    for name, folder, target, text in includes():
        wrong = problem(order, folder, target, text)
        passed += not wrong
        if wrong:
            problems.append(f'{name}: #include "{text}": {wrong}')
    for library in sys.argv[1:]:
        problems += [f"{user} calls {name} of {owner}, above" for user, name, owner in upward_calls(order, library)]
    problems += [f"{name}: only src/arch may name {word!r}" for name, word in machine_words()]
    print("\n".join(problems))
    print(f"{passed} passed, {len(problems)} failed")
    return bool(problems) or not passed


sys.exit(main())
