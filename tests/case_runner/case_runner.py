#!/usr/bin/env python3
"""Runs test cases and compares what afterfork says with what their head comments demand.

One case:    case_runner.py --afterfork PATH SOURCE PROGRAM
All cases:   case_runner.py --afterfork PATH --sources DIR --programs DIR [--repeat N] [--load]
Without it:  case_runner.py --native --sources DIR --programs DIR
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import expectation
import matching
import process_tree

RUN_LIMIT_S = 200
NATIVE_LIMIT_S = 100
LOOP_SPAN_S = 1  # what a loop without an end is watched for
POLL_S = 0.02
SKIPPED = 77


class CaseProblem(Exception):
    """The case could not be run or judged; the text says why."""


class CaseSkipped(Exception):
    """The case needs what is not there; the text says what."""


def read_expectation(source):
    ret = expectation.parse(source.read_text())
    for need in ret.needs:
        if not is_met(need):
            raise CaseSkipped(f"needs {need}")
    return ret


def is_met(need):
    if need == "root":
        return os.geteuid() == 0
    _, relation, version = need.split()
    wanted, here = [tuple(map(int, text.split("."))) for text in (version, platform.libc_ver()[1])]
    return here < wanted if relation == "<" else here >= wanted


def no_core_files():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def program_environment(wanted):
    ret = {k: v for k, v in os.environ.items() if not k.startswith("AFTERFORK_") and k != "LD_PRELOAD"}
    ret.update(wanted.environment)
    return ret


def start(command, wanted, folder):
    # Output goes to files, not pipes: a process left behind must not keep the reader waiting.
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=folder,
                                env=program_environment(wanted), preexec_fn=no_core_files,
                                start_new_session=True)


def read_output(folder, name):
    return (folder / name).read_text(errors="replace")


def read_report(path):
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise CaseProblem(f"no JSON report: {error}") from error
    except ValueError as error:
        raise CaseProblem(f"the JSON report is no JSON: {error}") from error


def judge(wanted, exit_code, report, stderr_text):
    """What differs, as lines. exit_code is that of `afterfork run`."""
    ret = matching.differences(wanted, report)
    if exit_code != wanted.exit_code:
        ret.append(f"exit: wanted {wanted.exit_code}, found {exit_code}")
    program_exit = report.get("exit", {}).get("code")
    if program_exit != 0:
        ret.append(f"the program itself: wanted exit code 0, found {report.get('exit')}")
    ret += [f"stderr: wanted '{text}' in it" for text in wanted.stderr_texts if text not in stderr_text]
    return ret


def run_case(afterfork, source, program):
    """Runs one case under afterfork. Returns lines that say what is wrong; empty: passed."""
    wanted = read_expectation(source)
    with tempfile.TemporaryDirectory(prefix="afterfork-case-") as name:
        folder = Path(name)
        command = [str(afterfork), "run", "-o", str(folder / "trace"),
                   "--format", f"json={folder / 'report.json'}", *wanted.options, "--", str(program),
                   *wanted.arguments]
        process = start(command, wanted, folder)
        try:
            exit_code = process.wait(RUN_LIMIT_S)
            ret = judge(wanted, exit_code, read_report(folder / "report.json"),
                        read_output(folder, "stderr"))
        except subprocess.TimeoutExpired:
            ret = [f"no end within {RUN_LIMIT_S} s", *process_tree.describe(os.getpid())]
        except CaseProblem as problem:
            ret = [f"exit code {process.returncode}", str(problem)]
        if process.returncode is not None:
            process_tree.reap_orphans()
        left = process_tree.describe(os.getpid())
        process_tree.end_all(os.getpid())
        if ret or left:
            ret += [f"left behind: {line}" for line in left]
            ret += [f"stderr: {line}" for line in read_output(folder, "stderr").splitlines()[-20:]]
        return ret


def run_native(source, program):
    """Runs one case without afterfork: a hazard must hang, all else must end with 0."""
    wanted = read_expectation(source)
    with tempfile.TemporaryDirectory(prefix="afterfork-case-") as name:
        folder = Path(name)
        process = start([str(program), *wanted.arguments], wanted, folder)
        deadline = time.monotonic() + (LOOP_SPAN_S if wanted.loops_natively else NATIVE_LIMIT_S)
        hung_polls, hang = 0, None
        statuses = []
        while time.monotonic() < deadline and hung_polls < 3:
            # A daemon outlives the program: its end is that of all processes below this one.
            if process.poll() is not None:
                statuses += process_tree.reap_orphans()
                if not process_tree.descendants(os.getpid()):
                    break
            last, hang = hang, None if wanted.loops_natively else process_tree.hang_below(os.getpid())
            hung_polls = hung_polls + 1 if hang and hang == last else 0
            time.sleep(POLL_S)
        ended = process.poll()
        state = process_tree.describe(os.getpid())
        process_tree.end_all(os.getpid())
        error = read_output(folder, "stderr").splitlines()
    if wanted.loops_natively:
        return [] if ended is None else [f"wanted a loop, found exit code {ended}", *state, *error]
    if wanted.hangs_natively:
        return [] if hung_polls >= 3 else [f"wanted a hang, found exit code {ended}", *state, *error]
    if hung_polls >= 3 or ended is None:
        return ["wanted an end, found it waiting", *state, *error]
    if any(statuses):
        return [f"a process that it left behind ended badly, wait status {max(statuses)}", *error]
    return [] if ended == 0 else [f"wanted exit code 0, found {ended}", *error]


def cases_of(sources, programs):
    ret = [(s, programs / s.stem) for s in sorted(sources.iterdir()) if s.suffix in (".c", ".cpp")]
    if not ret:
        raise CaseProblem(f"no case in {sources}: --sources wants the folder testcases/")
    return ret


def busy_loops():
    """One process for each core that does nothing but take its time away from the cases."""
    loop = "while True: pass"
    return [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(os.cpu_count() or 1)]


def run_all(cases, run_one, rounds, load):
    """Runs every case `rounds` times, in a process of its own each. Returns the number that failed."""
    loops = busy_loops() if load else []
    failed = 0
    try:
        for round_number in range(1, rounds + 1):
            for source, program in cases:
                result = subprocess.run(run_one(source, program), capture_output=True, text=True, check=False)
                if result.returncode not in (0, SKIPPED):
                    failed += 1
                    print(f"round {round_number}: {result.stdout}{result.stderr}", end="", flush=True)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    print(f"{len(cases)} cases, {rounds} rounds, {failed} failures")
    return failed


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=Path)
    parser.add_argument("program", nargs="?", type=Path)
    parser.add_argument("--afterfork", type=Path, help="the command to test")
    parser.add_argument("--native", action="store_true", help="run the programs without afterfork")
    parser.add_argument("--sources", type=Path, help="folder of the cases' sources")
    parser.add_argument("--programs", type=Path, help="folder of the built cases")
    parser.add_argument("--only", default="", help="with --sources: only cases whose name has this text")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run all cases N times")
    parser.add_argument("--load", action="store_true", help="keep every core busy meanwhile")
    arguments = parser.parse_args()
    if bool(arguments.afterfork) == arguments.native:
        parser.error("give either --afterfork PATH or --native")
    if arguments.sources:
        if not arguments.programs or arguments.source:
            parser.error("--sources DIR goes with --programs DIR and without SOURCE PROGRAM")
    elif not arguments.program:
        parser.error("give SOURCE and PROGRAM, or --sources DIR and --programs DIR")
    return arguments


def main():
    arguments = parse_arguments()
    mode = ["--native"] if arguments.native else ["--afterfork", str(arguments.afterfork.absolute())]
    if arguments.sources:
        cases = [c for c in cases_of(arguments.sources, arguments.programs) if arguments.only in c[0].stem]
        own = [sys.executable, __file__, *mode]
        failed = run_all(cases, lambda source, program: [*own, str(source), str(program)],
                         arguments.repeat, arguments.load)
        return 1 if failed else 0
    process_tree.become_subreaper()
    program = arguments.program.absolute()
    try:
        if not program.exists():
            raise CaseProblem(f"{program} is not there: build it first")
        lines = (run_native(arguments.source, program) if arguments.native
                 else run_case(arguments.afterfork.absolute(), arguments.source, program))
    except CaseSkipped as reason:
        print(f"{arguments.source.name}: skipped: {reason}")
        return SKIPPED
    except expectation.ExpectationError as error:
        lines = [f"head comment: {error}"]
    except CaseProblem as problem:
        lines = [str(problem)]
    if lines:
        print(f"{arguments.source.name}:")
        for line in lines:
            print(f"  {line}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
