#!/usr/bin/env python3
"""Checks that the documentation is complete and leads somewhere: reference.py ROOT

Each public name, each macro and each environment variable must stand in docs/reference.md, in `code`; each stage
of tests/run in docs/testing.md. Each relative link must lead to a file and a heading, and each path of
this repository that is mentioned must exist.
"""
import pathlib
import re
import sys

HEAP_HEADERS = ["resource", "size_class", "page"]
HIDDEN_NAMESPACES = {"detail", "grow"}
FEWEST_NAMES = 100  # fewer: the headers have not been understood
FOLDERS = "src|include|tests|bench|docs|examples|packaging"
PATHS = re.compile(rf"(?<![\w/.<-])(?:\./)?((?:{FOLDERS})/[\w./+-]*)")
LINKS = re.compile(r"\]\(([^)\s]+)\)")


class header:
    """Collects the names that a header declares in public namespaces, and the public members of its types."""

    def __init__(self, text):
        self.names = set(re.findall(r"^\s*#\s*define\s+(\w+)", text, re.MULTILINE))
        text = re.sub(r"//[^\n]*|^\s*#[^\n]*", "", text, flags=re.MULTILINE)
        self.text = re.sub(r'"[^"\n]*"|\[\[.*?\]\]', "", text)
        self.at = 0
        self.declarations()

    def declarations(self, is_public=True, type_name=None):
        """Reads up to the end of a namespace or type."""
        head = ""
        while self.at < len(self.text):
            c = self.text[self.at]
            self.at += 1
            label = re.search(r"\b(public|private|protected)\s*$", head) if c == ":" else None
            if c == "}":
                return
            if label and self.text[self.at] != ":":
                is_public, head = label[1] == "public", ""
            elif c == ";":
                self.declare(head, is_public, type_name)
                head = ""
            elif c == "{":
                head = self.brace(head, is_public, type_name)
            elif c == "(":
                start = self.at
                self.skip("(", ")")
                head += "(" + self.text[start:self.at]
            else:
                head += c

    def brace(self, head, is_public, type_name):
        """Reads from a brace to its partner. Returns the declaration so far: it may go on."""
        plain = without_templates(head)
        space = re.match(r"\s*(?:inline\s+)?namespace\s*([\w:]*)", plain)
        kind = re.match(r"\s*(enum class|enum|class|struct)\s+(\w+)[^(=]*$", plain)
        if space and space[1] and not HIDDEN_NAMESPACES & set(space[1].split("::")):
            self.declarations()
            return ""
        if kind and is_public and kind[1].startswith("enum"):
            start = self.at
            self.skip("{", "}")
            self.names |= {kind[2], *re.findall(r"(\w+)[^,]*,?", self.text[start:self.at - 1])}
        elif kind and is_public:
            self.names.add(kind[2])
            self.declarations(kind[1] == "struct", kind[2])
        else:
            self.skip("{", "}")
            if not space and re.search(r"\)[^=]*$", plain) or kind:  # a function's body, a private type
                self.declare(head, is_public, type_name)
                return ""
            return "" if space else head
        return ""

    def skip(self, opening, closing):
        depth = 1
        while depth:
            depth += (self.text[self.at] == opening) - (self.text[self.at] == closing)
            self.at += 1

    def declare(self, head, is_public, type_name):
        plain = without_templates(head)
        if not is_public or re.match(r"\s*(friend|static_assert)\b", plain) or "operator" in plain:
            return
        alias = re.match(r"\s*using\s+(\w+)\s*=", plain)
        pointer_to_function = re.match(r"[^(=]*\(\s*\*\s*(\w+)\s*\)", plain)
        name = alias or pointer_to_function or re.search(r"(\w+)\s*$", re.split(r"[(=]", plain)[0])
        if name and name[1] != type_name:
            self.names.add(name[1])


def without_templates(head):
    """Without what stands in < >, and without constraints."""
    head = re.sub(r"operator\s*[<>=!+*\-]+", "operator", head)
    while (shorter := re.sub(r"<[^<>]*>", "", head)) != head:
        head = shorter
    return re.sub(r"^\s*template(\s+requires\s*\(.*?\)(?=\s+\w))?", "", head, flags=re.DOTALL)


def public_names(root):
    folder = root / "include/growstack"
    for path in [*sorted(folder.glob("*.hpp")), *(folder / f"heap/{name}.hpp" for name in HEAP_HEADERS)]:
        for name in sorted(header(path.read_text(encoding="utf-8")).names):
            yield name, f"{path.relative_to(root)} declares it"


def environment_variables(root):
    for path in sorted((root / "src").rglob("*.[ch]pp")):
        for name in re.findall(r'getenv\("(\w+)"', path.read_text(encoding="utf-8")):
            yield name, f"{path.relative_to(root)} reads it"


def stages(root):
    table = re.search(r'^readonly stages="\n(.*?)^"', (root / "tests/run").read_text(), re.DOTALL | re.MULTILINE)
    for line in table[1].splitlines() if table else []:
        yield line.split()[0], "tests/run has this stage"


def undocumented(root, page, names):
    spans = re.findall(r"`([^`\n]+)`", (root / page).read_text(encoding="utf-8"))
    known = set(re.findall(r"[\w-]+", " ".join(spans)))
    return [f"{page} does not mention {name}: {why}" for name, why in names if name not in known]


def slug(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def prose(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def leads_somewhere(page, link):
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if not target.exists():
        return False
    headings = re.findall(r"^#+ (.*)$", prose(target.read_text(encoding="utf-8")), re.MULTILINE) if anchor else []
    return not anchor or anchor in map(slug, headings)


def dead_ends(root, page):
    """Returns how many links and paths a page has, and a complaint about each that leads nowhere."""
    text = page.read_text(encoding="utf-8")
    links = [link for link in LINKS.findall(prose(text)) if "://" not in link]
    paths = [path.rstrip(".") for path in PATHS.findall(text)]
    where = page.relative_to(root)
    return len(links) + len(paths), [
        *(f"{where}: the link {link} leads nowhere" for link in links if not leads_somewhere(page, link)),
        *(f"{where}: there is no {path}" for path in dict.fromkeys(paths) if not (root / path).exists())]


def main(root):
    names = [*public_names(root), *environment_variables(root)]
    if len(names) < FEWEST_NAMES:
        sys.exit(f"only {len(names)} public names found")
    of_testing = [*stages(root)]
    complaints = [*undocumented(root, "docs/reference.md", names), *undocumented(root, "docs/testing.md", of_testing)]
    count = len(names) + len(of_testing)
    pages = [root / name for name in ["README.md", "CONTRIBUTING.md", "bench/README.md"]]
    for page in [*pages, *sorted((root / "docs").rglob("*.md"))]:
        of_page, more = dead_ends(root, page)
        count += of_page
        complaints += more
    print("\n".join(complaints))
    print(f"{count - len(complaints)} passed, {len(complaints)} failed")
    sys.exit(bool(complaints))


main(pathlib.Path(sys.argv[1]).resolve())
