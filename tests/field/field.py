"""What the field tests share: running unmodified programs under afterfork, and skipping visibly where they are missing."""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def has(program):
    return shutil.which(program) is not None


def need(program, package):
    """The program's path; where it is missing the test ends as skipped and says what to install."""
    path = shutil.which(program)
    if not path:
        print(f"SKIPPED: {program} is not installed; it is in Debian's package {package}")
        sys.exit(SKIPPED)
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def no_core_files():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith("AFTERFORK_") and k != "LD_PRELOAD"}


def run_command(afterfork, folder, command, *options):
    """The command line that runs `command` under afterfork, trace and JSON report in `folder`."""
    return [str(afterfork), "run", "-o", str(Path(folder) / "trace"),
            "--format", f"json={Path(folder) / 'report.json'},text={Path(folder) / 'report.txt'}", *options, "--", *command]


def start(command, **rest):
    """Starts it in a session of its own, so that stop() reaches all that it starts."""
    return subprocess.Popen(command, env=environment(), preexec_fn=no_core_files, text=True, start_new_session=True, **rest)


def stop(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def read_report(folder):
    return json.loads((Path(folder) / "report.json").read_text())


class Checks:
    """Collects what is wrong, so that one run tells all of it."""

    def __init__(self):
        self.count, self.failures = 0, []

    def equal(self, what, found, wanted):
        self.that(what, found == wanted, f"wanted {wanted!r}, found {found!r}")

    def that(self, what, holds, detail=""):
        self.count += 1
        if not holds:
            self.failures.append(f"{what}: {detail or 'does not hold'}")

    def finish(self, evidence=""):
        """Prints and gives the exit code."""
        for failure in self.failures:
            print(failure, file=sys.stderr)
        if self.failures and evidence:
            print(evidence, file=sys.stderr)
        print(f"{self.count} checks, {len(self.failures)} failed")
        return 1 if self.failures or not self.count else 0
