"""What the tests of `afterfork run` share: a scratch folder, the command's call, its traces and report."""

import contextlib
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "case_runner"))

import preloadable  # noqa: E402
import process_tree  # noqa: E402

AFTERFORK = os.environ["AFTERFORK"]
LIBRARY = preloadable.path(os.path.join(os.path.dirname(AFTERFORK), "..", "lib", "libafterfork.so"))
PROGRAMS = os.environ["PROGRAMS"]
# A hang is a failure of the test, not of the machine: far above what any step needs.
PATIENCE_S = 120


def program(name):
    return os.path.join(PROGRAMS, name)


class Result:
    def __init__(self, code, out, err, pid=None):
        self.code, self.out, self.err, self.pid = code, out, err, pid

    def __str__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class RunTest(unittest.TestCase):
    """Each test has a folder of its own as its current folder; traces go there by default."""

    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="afterfork-run-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = {k: v for k, v in os.environ.items()
                            if not k.startswith(("AFTERFORK", "LD_", "ASAN_"))}

    def start(self, *arguments, **more):
        more.setdefault("env", self.environment)
        more.setdefault("cwd", self.folder)
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        more.setdefault("stdin", subprocess.DEVNULL)
        command = more.pop("command", AFTERFORK)
        return subprocess.Popen([command, "run", *arguments], text=True, **more)

    def finish(self, process):
        try:
            out, err = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired as late:
            self.end_all(process)
            self.fail(f"still running after {PATIENCE_S} s\n--- stdout\n{late.stdout}\n--- stderr\n{late.stderr}")
        return Result(process.returncode, out, err, process.pid)

    @staticmethod
    def end_all(process):
        """What it started may hold its output open, and would be waited for."""
        process_tree.end_all(process.pid)
        process.kill()
        process.wait()

    def run_it(self, *arguments, **more):
        """Into files, not pipes: what the command leaves running may keep its output open."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = self.start(*arguments, stdout=out, stderr=err, **more)
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.end_all(process)
                self.fail(f"still running after {PATIENCE_S} s: {arguments}")
            out.seek(0)
            err.seek(0)
            return Result(process.returncode, out.read(), err.read(), process.pid)

    def run_unprivileged(self, *arguments):
        """As a user without rights. Root's checkout may lie where others may not go: that user gets copies."""
        if os.geteuid() != 0:
            return self.run_it(*arguments)
        os.chmod(self.folder, 0o777)
        for file in [AFTERFORK, os.path.join(os.path.dirname(AFTERFORK), "../lib/libafterfork.so")]:
            copy = self.path(os.path.join("tool", os.path.relpath(file, os.path.dirname(AFTERFORK) + "/..")))
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copy(file, copy)
        arguments = [shutil.copy(a, self.folder) if os.path.dirname(a) == PROGRAMS else a for a in arguments]
        subprocess.run(["chmod", "-R", "go+rX", self.folder], check=True)  # whatever the umask was
        return self.run_it(*arguments, command=self.path("tool/bin/afterfork"), user=65534, group=65534, extra_groups=[])

    def expect_code(self, result, code):
        self.assertEqual(result.code, code, str(result))

    def path(self, name):
        return os.path.join(self.folder, name)

    def trace(self):
        """The one trace folder that the test made."""
        found = glob.glob(self.path("afterfork.*"))
        self.assertEqual(len(found), 1, found)
        return found[0]

    def stored_report(self):
        with open(os.path.join(self.trace(), "report.json"), encoding="utf-8") as file:
            return json.load(file)

    def traces(self):
        return sorted(os.path.basename(p) for p in glob.glob(self.path("afterfork.*")))


def process_state(pid):
    """The state letter of /proc/PID/stat, or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_alive(pid):
    return process_state(pid) not in (None, "Z", "X")


def wait_until_blocked(pid):
    """Returns once it sleeps in a futex call, or has ended."""
    while is_alive(pid):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/syscall", encoding="utf-8") as file:
            if file.read().startswith("202 "):
                return
        time.sleep(0.01)


def main():
    sys.exit(not unittest.main(exit=False).result.wasSuccessful())
