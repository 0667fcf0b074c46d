"""Runs a program plain, under `afterfork run` and with the library preloaded only, for comparison."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "case_runner"))

import preloadable  # noqa: E402
import process_tree  # noqa: E402

LIMIT_S = 100


def path_from(variable):
    if variable not in os.environ:
        raise SystemExit(f"{variable} is not set: run this test by ctest, which says where the programs are")
    return Path(os.environ[variable]).absolute()


AFTERFORK = path_from("AFTERFORK")
LIBRARY = preloadable.path(AFTERFORK.parents[1] / "lib" / "libafterfork.so")
PROGRAMS = path_from("BAD_INPUT_PROGRAMS")
CASES = path_from("CASE_PROGRAMS")


@dataclass
class Outcome:
    code: int  # as a shell has it: 128 + signal
    out: bytes
    error: bytes


def environment(**more):
    ret = {k: v for k, v in os.environ.items() if not k.startswith(("AFTERFORK", "ASAN_", "LD_PRELOAD"))}
    ret.update({k: str(v) for k, v in more.items()})
    return ret


def run(command, env=None, data=b"", folder=None):
    """Runs to the end in the folder. Its output is taken by files: children left behind may hold them open."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error, tempfile.TemporaryFile() as given:
        given.write(data)
        given.seek(0)
        result = subprocess.run([str(word) for word in command], env=env or environment(), stdin=given,
                                stdout=out, stderr=error, cwd=folder, timeout=LIMIT_S, check=False)
        out.seek(0)
        error.seek(0)
        code = result.returncode
        return Outcome(128 - code if code < 0 else code, out.read(), error.read())


def plain(command, folder, data=b""):
    return run(command, data=data, folder=folder)


def supervised(command, folder, data=b"", options=(), trace=None):
    trace = trace or Path(folder).parent / "trace"
    report = Path(folder).parent / "report.json"
    return run([AFTERFORK, "run", "--force", "-o", trace, "--format", f"json={report}", *options, "--",
                *command], data=data, folder=folder)


def preload_environment(trace, options=""):
    return environment(LD_PRELOAD=LIBRARY, AFTERFORK_OPTIONS=f"output={trace} {options}".strip())


def preloaded(command, folder, data=b"", trace=None):
    trace = trace or Path(folder).parent / "preload.%p"
    return run(command, env=preload_environment(trace), data=data, folder=folder)


def report_of(*traces):
    """(exit code, report) of `afterfork report --format json`."""
    outcome = run([AFTERFORK, "report", "--format", "json", *traces])
    return outcome.code, json.loads(outcome.out)


def findings(report):
    return [(f["verdict"], f["rule"], f["count"]) for f in report["findings"]]


def start_and_hang(command, env, folder):
    """Starts a program, returns once all that it started waits for ever. The caller ends it."""
    process_tree.become_subreaper()
    with open(os.devnull, "r+b") as null:
        ret = subprocess.Popen([str(word) for word in command], env=env, stdin=null, stdout=null, stderr=null,
                               cwd=folder)
    polls = 0
    while polls < 3:
        if ret.poll() is not None:
            raise AssertionError(f"{command[0]} ended with {ret.returncode} before it hung")
        tree = [pid for pid in process_tree.descendants(os.getpid()) if is_program(pid)]
        polls = polls + 1 if len(tree) >= 2 and all(process_tree.standstill(pid) for pid in tree) else 0
    return ret


def is_program(pid):
    """False for afterfork itself, which waits in other ways than its programs."""
    try:
        return os.readlink(f"/proc/{pid}/exe") != os.path.realpath(AFTERFORK)
    except OSError:
        return False
