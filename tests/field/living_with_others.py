#!/usr/bin/env python3
"""Sanitizers and replaced allocators intercept the same functions, and call them before anybody else: a hazard must be found
beside each of them, in either order of loading.

usage: living_with_others.py --afterfork PATH --cases DIR
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import field

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "case_runner"))
import preloadable  # noqa: E402

CASE = "mutex_normal.c"
RUN_LIMIT_S = 100
FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")
# name, compiler and package, options
BUILDS = [
    ("gcc, AddressSanitizer, shared", "gcc", ["-fsanitize=address", "-shared-libasan"]),
    ("gcc, AddressSanitizer, static", "gcc", ["-fsanitize=address", "-static-libasan"]),
    ("gcc, ThreadSanitizer", "gcc", ["-fsanitize=thread"]),
    ("clang, AddressSanitizer", "clang", ["-fsanitize=address"]),
    ("clang, ThreadSanitizer", "clang", ["-fsanitize=thread"]),
]
ALLOCATORS = [("libjemalloc.so.2", "libjemalloc2"), ("libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
              ("libtcmalloc.so.4", "libgoogle-perftools4")]


def build(source, folder, compiler, options):
    """The program, or None where the compiler has no such runtime installed."""
    program = folder / "program"
    if compiler == "gcc":
        options = [option for option in options if option != "-shared-libasan"]  # gcc's default, and no name of its
    done = subprocess.run([compiler, "-g", "-O1", "-pthread", *options, "-o", program, source], capture_output=True,
                          check=False)
    return program if done.returncode == 0 else None


def check_run(checks, name, afterfork, folder, program, preload=""):
    environment = field.environment() | ({"LD_PRELOAD": preload} if preload else {})
    command = field.run_command(afterfork, folder, [str(program)], "--force")
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False, env=environment,
                          preexec_fn=field.no_core_files)
    checks.equal(f"{name}: exit code", done.returncode, 66)
    findings = field.read_report(folder)["findings"]
    found = [(f["verdict"], f["rule"], f["lock"].get("name")) for f in findings]
    checks.equal(f"{name}: findings", found, [("certain", "lock-held-by-vanished-thread", "cache_mutex")])
    for finding in findings:
        functions = [frame.get("function") for frame in finding["victim"]["stack"]]
        checks.that(f"{name}: the victim's stack", "cache_get" in functions and "main" in functions, str(functions))
        functions = [frame.get("function") for frame in finding["holder"]["acquired_at"]]
        checks.that(f"{name}: the holder's stack", "cache_fill" in functions and "worker" in functions, str(functions))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afterfork", type=Path, required=True)
    parser.add_argument("--cases", type=Path, required=True)
    given = parser.parse_args()
    field.need("gcc", "gcc")
    checks, missing = field.Checks(), []
    library = preloadable.path(given.afterfork.parent.parent / "lib/libafterfork.so")
    with tempfile.TemporaryDirectory(prefix="afterfork-others-") as top:
        for name, compiler, options in BUILDS:
            program = build(given.cases / CASE, Path(top), compiler, options) if field.has(compiler) else None
            if program:
                check_run(checks, name, given.afterfork, top, program)
            else:
                missing.append(f"{name} (package {compiler}, for clang libclang-rt-dev too)")
        plain = build(given.cases / CASE, Path(top), "gcc", [])
        for file, package in ALLOCATORS:
            paths = [path for folder in FOLDERS if (path := Path(folder) / file).exists()]
            if not paths:
                missing.append(f"{file} (package {package})")
                continue
            check_run(checks, f"{file} first", given.afterfork, top, plain, f"{paths[0]}:{library}")
            check_run(checks, f"{file} last", given.afterfork, top, plain, f"{library}:{paths[0]}")
    for what in missing:
        print(f"SKIPPED: {what} is not installed")
    if not checks.count:
        return field.SKIPPED
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
