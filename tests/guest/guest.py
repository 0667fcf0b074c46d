#!/usr/bin/env python3
"""Runs a program as it is and under the library: output and exit code must be the same, and the library silent.

The library is the guest here. --beside names another library to preload, before ours or after. --expect names the
rules that the trace must lead to; without it no certain or likely one may come out.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "case_runner"))

import preloadable  # noqa: E402

TIMEOUT_S = 120


def preload(arguments):
    libraries = [arguments.library]
    if arguments.beside:
        libraries.insert(0 if arguments.order == "before" else 1, arguments.beside)
    return ":".join(preloadable.path(library) for library in libraries)


def run(program, environment, timeout_s=TIMEOUT_S):
    return subprocess.run(program, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False)


def fail(message, *results):
    print(message, file=sys.stderr)
    for name, result in results:
        print(f"--- {name}: exit code {result.returncode}\n{result.stdout}--- its standard error:\n{result.stderr}", file=sys.stderr)
    return 1


def rules_found(arguments, trace):
    """The rules of the findings that the program's own doing decides, each once. What a run got by on luck is left out."""
    if not os.path.exists(trace):
        return []
    report = subprocess.run([arguments.afterfork, "report", "--format", "json", "--fail-on", "never", trace],
                            capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    findings = json.loads(report.stdout)["findings"]
    return sorted({finding["rule"] for finding in findings if finding["verdict"] in ("certain", "likely")})


def compare(arguments, folder):
    environment = {name: value for name, value in os.environ.items() if name not in ("AFTERFORK_OPTIONS", "AFTERFORK_TRACE")}
    environment.update(setting.split("=", 1) for setting in arguments.set)
    if arguments.beside:
        environment["LD_PRELOAD"] = preloadable.path(arguments.beside)
    native = run(arguments.program, environment)
    if native.returncode:
        return fail("the program fails without the library: it is no test", ("native", native))
    trace = os.path.join(folder, "trace")
    environment.update(LD_PRELOAD=preload(arguments), AFTERFORK_OPTIONS=f"output={trace}")
    wrapped = run(arguments.program, environment)
    if (wrapped.returncode, wrapped.stdout, wrapped.stderr) != (native.returncode, native.stdout, native.stderr):
        return fail("the library changes what the program does", ("native", native), ("under the library", wrapped))
    found = rules_found(arguments, trace)
    if found != sorted(arguments.expect):
        return fail(f"the trace leads to {found}, expected {sorted(arguments.expect)}", ("under the library", wrapped))
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--afterfork", required=True)
    parser.add_argument("--beside", help="another library to preload")
    parser.add_argument("--order", choices=["before", "after"], default="before", help="where the other one stands")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a variable of the program's environment")
    parser.add_argument("--expect", action="append", default=[], metavar="RULE")
    parser.add_argument("program", nargs="+")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="afterfork-guest-") as folder:
        return compare(arguments, folder)


if __name__ == "__main__":
    sys.exit(main())
