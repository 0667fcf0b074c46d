#!/usr/bin/env python3
"""A real deadlock in unmodified software, Debian's Python and SQLite: it hangs without afterfork, and afterfork proves it.
The program is sqlite_service.py.

usage: sqlite_after_fork.py --afterfork PATH
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import field

PROGRAM = Path(__file__).resolve().parent / "sqlite_service.py"
PYTHON = "/usr/bin/python3"  # Debian's, which loads Debian's libsqlite3.so.0
WORKERS = 2000
HUNG_AFTER_S = 10  # natively, where nobody ends the worker; it has two milliseconds of work
RUN_LIMIT_S = 250


def module_of(frame):
    return Path(frame.get("module", "")).name


def run(command):
    process = field.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=RUN_LIMIT_S)
    finally:
        field.stop(process)
    return process.returncode, out.strip(), err


def check_finding(checks, finding):
    lock, holder, victim = finding["lock"], finding["holder"], finding["victim"]
    checks.equal("verdict and rule", (finding["verdict"], finding["rule"]), ("certain", "lock-held-by-vanished-thread"))
    checks.equal("lock", (lock["kind"], lock["type"]), ("mutex", "normal"))
    checks.that("the lock lies in SQLite's data", module_of(lock).startswith("libsqlite3.so"), str(lock))
    for what, stack in (("holder", holder["acquired_at"]), ("victim", victim["stack"])):
        checks.that(f"the {what} is inside SQLite", module_of(stack[0]).startswith("libsqlite3.so"), str(stack[0]))
        checks.that(f"the {what} came from Python's module", any(module_of(f).startswith("_sqlite3.") for f in stack))
    checks.equal("fork", finding["fork"]["call"], "fork")
    checks.equal("the forking process is the victim's parent", finding["fork"]["pid"], finding["process"]["ppid"])
    checks.that("the holder is not the forking thread", holder["tid"] != finding["fork"]["tid"])
    checks.equal("victim's call", victim["call"], "pthread_mutex_lock")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afterfork", type=Path, required=True)
    given = parser.parse_args()
    field.need(PYTHON, "python3")
    if subprocess.run([PYTHON, "-c", "import sqlite3"], check=False, env=field.environment()).returncode:
        print("SKIPPED: no module sqlite3; it is in Debian's package libpython3-stdlib, with libsqlite3-0")
        return field.SKIPPED
    checks = field.Checks()
    with tempfile.TemporaryDirectory(prefix="afterfork-sqlite-") as folder:
        _, native, _ = run([PYTHON, str(PROGRAM), str(WORKERS), str(HUNG_AFTER_S)])
        checks.that("it hangs without afterfork", native.endswith("hung"), native)
        code, out, err = run(field.run_command(given.afterfork, folder,
                                               [PYTHON, str(PROGRAM), str(WORKERS), str(RUN_LIMIT_S)]))
        checks.that("the stuck worker was aborted", out.endswith("ended with -6"), out)
        checks.equal("exit code of afterfork run", code, 66)
        report = field.read_report(folder)
        # Beside the proof stands what the other workers got by on luck: CPython's own locks, by chance.
        proven = [finding for finding in report["findings"] if finding["verdict"] != "possible"]
        checks.equal("number of proven findings", len(proven), 1)
        for finding in proven:
            check_finding(checks, finding)
        print(f"without afterfork: {native}; under it: {out}")
        return checks.finish((Path(folder) / "report.txt").read_text() + err)


if __name__ == "__main__":
    sys.exit(main())
