#!/usr/bin/env python3
"""Checks that every include points down: from a folder to itself, or to one further up the list in src/meson.build.

include/growstack is the ground under all of them, and includes nothing of src/.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


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
    print("\n".join(problems))
    print(f"{passed} passed, {len(problems)} failed")
    return bool(problems) or not passed


sys.exit(main())
