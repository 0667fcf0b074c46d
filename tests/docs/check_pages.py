#!/usr/bin/env python3
"""Looks over all pages: relative links lead to a file (and a heading of it), files named in tables of the sources exist, and
man pages pass groff without a warning.

usage: check_pages.py --root DIR
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


def anchors_of(text):
    """As code hosts make them of headings."""
    ret = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        ret.add(plain.strip().replace(" ", "-"))
    return ret


def check_links(page, text):
    ret, count = [], 0
    for target in LINK.findall(re.sub(r"```.*?```", "", text, flags=re.S)):
        if re.match(r"[a-z]+:", target):
            continue
        count += 1
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists():
            ret.append(f"{page}: link to {target}: no such file")
        elif anchor and anchor not in anchors_of(file.read_text()):
            ret.append(f"{page}: link to {target}: no such heading")
    return ret, count


def check_man_page(page):
    done = subprocess.run(["groff", "-ww", "-mdoc", "-Tutf8", str(page)], capture_output=True, text=True, check=False)
    return [f"{page}: {line}" for line in done.stderr.splitlines()] + \
        ([f"{page}: groff gave nothing"] if not done.stdout.strip() else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    given = parser.parse_args()
    pages = [given.root / "README.md", *sorted((given.root / "docs").glob("*.md")), given.root / "testcases/README.md"]
    wrong, links = [], 0
    for page in pages:
        lines, count = check_links(page, page.read_text())
        wrong += lines
        links += count
    index = (given.root / "docs/README.md").read_text()
    documents = [page for page in (given.root / "docs").iterdir()
                 if page.suffix in (".md", ".1", ".7") and page.name != "README.md"]
    wrong += [f"docs/README.md does not name {page.name}" for page in documents if f"({page.name})" not in index]
    man_pages = [page for page in documents if page.suffix != ".md"]
    if shutil.which("groff"):
        wrong += [line for page in man_pages for line in check_man_page(page)]
    else:
        print("groff is not installed (Debian's package groff): the man pages were not looked at")
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(pages)} pages, {links} links, {len(man_pages)} man pages: {len(wrong)} faults")
    return 1 if wrong or not links or not man_pages else 0


if __name__ == "__main__":
    sys.exit(main())
