#!/usr/bin/env python3
"""sweep.py COMMAND [ARG...]: runs a test, and ends whatever it left behind.

CTest waits until nobody has the test's output open any more. A process that is left has it open, too: without this it is
waited for until the test's time is over, and the test counts as failed however well it went. Orphans are reaped at once,
which the first process of a container may not do."""

import os
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "case_runner"))
import process_tree  # noqa: E402

ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Ended(Exception):
    """Somebody wants the test to end; the argument is the signal's number."""


def end(number, _frame):
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    raise Ended(number)


def exit_code_of(process):
    """Once it has ended."""
    ended = status = None
    while ended != process.pid:
        ended, status = os.wait()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode


def main():
    process_tree.become_subreaper()
    process_tree.end_with_parent(signal.SIGTERM)
    for number in ENDING:
        signal.signal(number, end)
    try:
        code = exit_code_of(subprocess.Popen(sys.argv[1:]))
    except Ended as ending:
        code = -ending.args[0]
    process_tree.reap_orphans()
    for line in process_tree.describe(os.getpid()):
        print(f"sweep: left behind: {line}", file=sys.stderr)
    process_tree.end_all(os.getpid())
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
