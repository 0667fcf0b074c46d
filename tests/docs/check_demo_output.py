#!/usr/bin/env python3
"""Runs what scripts/demo runs and compares the report with the one that README.md shows. Numbers differ from run to run, and
with them the line breaks: both are evened out.

usage: check_demo_output.py --afterfork PATH --root DIR
"""

import argparse
import difflib
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def demo_source(script):
    """The program that the demo builds, from its compiler line."""
    match = re.search(r"^cc .* (testcases/\S+\.c)$", script, re.M)
    if not match:
        raise ValueError("scripts/demo: no line `cc ... testcases/NAME.c`")
    return match.group(1)


def shown_report(page):
    match = re.search(r"^(afterfork: \d+ certain.*?)^afterfork exited", page, re.M | re.S)
    if not match:
        raise ValueError("README.md: the demo's report is not there")
    return match.group(1)


def evened(text):
    text = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{16}\b", "HEX", text)
    text = re.sub(r"\d+(\.\d+)? (ms|s)\b", "TIME", text)
    return re.sub(r"\b(pid|thread|process|of) \d+", r"\1 ID", " ".join(text.split())).split(" ")


def run_demo(given, source, folder):
    name = Path(source).stem
    program = Path(folder) / "build" / name
    program.parent.mkdir()
    subprocess.run(["cc", "-g", "-O1", "-pthread", "-o", program, source], check=True, cwd=given.root)
    done = subprocess.run([given.afterfork, "run", "-o", Path(folder) / "trace", "--", program], capture_output=True,
                          text=True, cwd=given.root, timeout=100, check=False)
    return done.returncode, done.stdout.replace(str(program), f"build/{name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afterfork", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    given = parser.parse_args()
    source = demo_source((given.root / "scripts/demo").read_text())
    if not (given.root / source).exists():
        print(f"scripts/demo builds {source}, and there is no such file", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="afterfork-demo-") as folder:
        code, printed = run_demo(given, source, folder)
    shown, printed = evened(shown_report((given.root / "README.md").read_text())), evened(printed)
    changes = [line for line in difflib.unified_diff(shown, printed, "README.md", "printed", lineterm="", n=2)]
    for line in changes:
        print(line, file=sys.stderr)
    if code != 66:
        print(f"afterfork run: exit code {code}, wanted 66", file=sys.stderr)
    print(f"compared {len(printed)} words: {'they differ' if changes else 'the same'}")
    return 1 if changes or code != 66 or len(printed) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
