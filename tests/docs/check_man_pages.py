#!/usr/bin/env python3
"""Compares docs/afterfork.1 with the command: options, defaults and choices with --help, rules with `afterfork rules`, exit
codes with what happens. Compares docs/libafterfork.7 with the options that the library acts on.

usage: check_man_pages.py --afterfork PATH --root DIR
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def run(*command):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AFTERFORK_")}
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=100, check=False,
                          env=environment)


def helped_options(afterfork, command):
    """{name: (letter, argument, choices, default)}"""
    text = run(afterfork, command, "--help").stdout
    body = text[text.lower().index("options:"):].split("\n\n")[0].split("\n", 1)[1]
    ret = {}
    for item in re.split(r"\n(?=  (?:-\w, |    )--\w)", "\n" + body)[1:]:
        item = re.sub(r"\s+", " ", item).strip()
        head = re.match(r"(?:-(\w), )?--([\w-]+)(?: ([A-Z]+)(?= |$))?", item)
        letter, name, argument = head.groups()
        default = re.search(r"\(default: ([^)]*)\)$", item)
        choices = re.search(r": ([a-z]+(?:\|[a-z]+)+)(?: \(|$)", item)
        ret[name] = (letter, argument, tuple(choices.group(1).split("|")) if choices else (),
                     default.group(1) if default else None)
    return ret


def section(page, heading):
    """The text from a .Sh or .Ss line to the next one."""
    match = re.search(rf"^\.S[hs] {re.escape(heading)}\n(.*?)(?=^\.S[hs] |\Z)", page, re.M | re.S)
    if not match:
        raise ValueError(f"no heading \"{heading}\"")
    return match.group(1)


def described_options(page, heading):
    """The same from the page; choices are all .Cm words that stand in the item."""
    ret = {}
    for item in re.split(r"^\.It ", section(page, heading), flags=re.M)[1:]:
        head, body = item.split("\n", 1)
        names = re.match(r"(?:Fl (\w) , )?Fl -([\w-]+)(?: Ar ([A-Z]+))?$", head)
        letter, name, argument = names.groups()
        default = re.search(r"The default is\n\.Cm (\S+) \.", body)
        ret[name] = (letter, argument, set(re.findall(r"^\.Cm (\w+)", body, re.M)), default.group(1) if default else None)
    return ret


def compare_options(helped, described, what):
    ret = []
    if sorted(helped) != sorted(described):
        ret.append(f"{what}: --help has {sorted(helped)}, the page {sorted(described)}")
    for name in helped.keys() & described.keys():
        letter, argument, choices, default = helped[name]
        page_letter, page_argument, words, page_default = described[name]
        if (letter, argument, default) != (page_letter, page_argument, page_default):
            ret.append(f"--{name}: --help says {(letter, argument, default)}, the page "
                       f"{(page_letter, page_argument, page_default)}")
        if not set(choices) <= words:
            ret.append(f"--{name}: the page lacks the choices {sorted(set(choices) - words)}")
    return ret


def check_options(afterfork, page):
    of_run, of_report = helped_options(afterfork, "run"), helped_options(afterfork, "report")
    both, only_run = described_options(page, "Options of run and report"), described_options(page, "Options of run")
    return (compare_options(of_report, both, "options of report") +
            compare_options(of_run, {**both, **only_run}, "options of run")), len(of_run)


def listed_rules(afterfork):
    text = run(afterfork, "rules").stdout
    return [(name, verdict, bool(rest)) for name, verdict, rest in
            re.findall(r"^([\w-]+) \((\w+)\)( - not yet checked by this version)?$", text, re.M)]


def check_rules(afterfork, root, page):
    listed = listed_rules(afterfork)
    in_page = [(name, verdict, star == " *") for name, verdict, star in
               re.findall(r"^\.It Sy ([\w-]+) Pq (\w+)( \*)?$", section(page, "RULES"), re.M)]
    verdicts = (root / "docs/verdicts.md").read_text()
    in_verdicts = [(name, verdict, given.startswith("not yet checked")) for name, verdict, given in
                   re.findall(r"^\| `([\w-]+)` \| (\w+) \| (.*?) \|$", verdicts, re.M)]
    ret = []
    for where, found in (("docs/afterfork.1", in_page), ("docs/verdicts.md", in_verdicts)):
        ret += [f"{where}: rule {row}: not so in `afterfork rules`" for row in found if row not in listed]
        ret += [f"{where}: rule {row} of `afterfork rules` is not there" for row in listed if row not in found]
        if sorted(found) == sorted(listed) and found != listed:
            ret.append(f"{where}: the rules stand in another order than in `afterfork rules`")
    return ret, len(listed)


def check_exit_codes(afterfork, page, folder):
    """Each code of the page is made to happen."""
    described = re.findall(r"^\.It (\S+)$", section(page, "EXIT STATUS"), re.M)
    plain = Path(folder) / "not_executable"
    plain.write_text("")
    options = ("run", "-q", "-o", Path(folder) / "trace.%p")
    default = helped_options(afterfork, "run")["error-exitcode"][3]
    met = {
        "125": run(afterfork, "run", "--no-such-option", "true").returncode,
        "126": run(afterfork, *options, "--", plain).returncode,
        "127": run(afterfork, *options, "--", Path(folder) / "missing").returncode,
        "128+N": run(afterfork, *options, "--", "sh", "-c", "kill -TERM $$").returncode - 15,
        "other": run(afterfork, *options, "--", "sh", "-c", "exit 7").returncode,
    }
    wanted = {"125": 125, "126": 126, "127": 127, "128+N": 128, "other": 7}
    ret = [f"exit code {name}: met {met[name]}" for name in wanted if met[name] != wanted[name]]
    if described != [default, *wanted]:
        ret.append(f"exit codes: the page lists {described}, wanted {[default, *wanted]}")
    return ret, len(described)


def check_library_options(root):
    """The options that the library acts on."""
    page = (root / "docs/libafterfork.7").read_text()
    described = set(re.findall(r"^\.It Cm ([\w-]+)$", page, re.M))
    acted_on = set(re.findall(r'strcmp\(key, "([\w-]+)"\) == 0', (root / "preload/base/config.c").read_text()))
    ret = [] if described == acted_on else [
        f"docs/libafterfork.7: lists {sorted(described)}, preload/base/config.c acts on {sorted(acted_on)}"]
    return ret, len(acted_on)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afterfork", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    given = parser.parse_args()
    page = (given.root / "docs/afterfork.1").read_text()
    with tempfile.TemporaryDirectory(prefix="afterfork-man-") as folder:
        results = {
            "options": check_options(given.afterfork, page),
            "rules": check_rules(given.afterfork, given.root, page),
            "exit codes": check_exit_codes(given.afterfork, page, folder),
            "options of the library": check_library_options(given.root),
        }
    wrong = [line for lines, _ in results.values() for line in lines]
    for line in wrong:
        print(line, file=sys.stderr)
    print(", ".join(f"{count} {what}" for what, (_, count) in results.items()) + f": {len(wrong)} differences")
    return 1 if wrong or not all(count for _, count in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
