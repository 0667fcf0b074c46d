#!/usr/bin/env python3
"""Programs that people run all day: wrapped, they must print the same, write the same files, exit with the same code, and
nothing may be found in them.

usage: ordinary_programs.py --afterfork PATH
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import field

RUN_LIMIT_S = 120
C_SOURCE = "int add(int a, int b) { return a + b; }\n"
MAKEFILE = ("all: a.o b.o c.o\n\t@echo built $^\n%.o: %.c\n\tcc -O2 -g -c -o $@ $<\n"
            "%.c:\n\techo 'int v_$*(int x) { return x + 1; }' > $@\n")
CMAKE = ("cmake_minimum_required(VERSION 3.18)\nproject(tried LANGUAGES C)\nadd_library(tried STATIC add.c)\n"
         "enable_testing()\nadd_test(NAME yes COMMAND true)\nadd_test(NAME no COMMAND false)\n")
UNIT_TEST = '''import os, subprocess, threading, unittest
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

class Everyday(unittest.TestCase):
    def test_threads_and_processes(self):
        with ThreadPoolExecutor(4) as threads, ProcessPoolExecutor(2) as processes:
            self.assertEqual(sum(threads.map(abs, range(-50, 0))), 1275)
            self.assertEqual(list(processes.map(abs, range(-5, 0))), [5, 4, 3, 2, 1])

    def test_subprocess(self):
        self.assertEqual(subprocess.check_output(["sh", "-c", "echo $((6 * 7))"]), b"42\\n")

    def test_that_fails(self):
        self.assertEqual(1, 2)
'''
GIT = ("git init -q -b main . && git config user.email a@example.org && git config user.name a && "
       "for i in 1 2 3 4 5 6 7 8; do seq $i 2000 > file$i; git add . && git commit -q -m c$i; done && "
       "git -c pack.threads=4 repack -adfq && git fsck --strict && git log --format=%s && git grep -c 19 && "
       "git diff HEAD~3 --stat && git checkout -q nowhere")

# name, program and package that must be there, shell command in a folder of its own
PROGRAMS = [
    ("git", "git", "git",
     "export GIT_AUTHOR_DATE='2001-01-01T00:00:00Z' GIT_COMMITTER_DATE='2001-01-01T00:00:00Z'; " + GIT),
    ("make -j4", "make", "make",
     "make -j4 --output-sync=target -s && ar rcsD all.a a.o b.o c.o && make -s nothing.there"),
    ("cmake and ctest", "cmake", "cmake",
     "mkdir -p source && mv add.c CMakeLists.txt source && cmake -S source -B built > /dev/null && "
     "cmake --build built > /dev/null && "
     "ctest --test-dir built -j2 | sed -E 's/ +[0-9.]+ sec//; s/= .*//; s,^[0-9]/2 ,,' | sort; exit ${PIPESTATUS[0]}"),
    ("xz -T2", "xz", "xz-utils",
     "seq 1 400000 > numbers && xz -T2 --block-size=200KiB -k numbers && xz -T2 -dc numbers.xz | cmp - numbers && "
     "sha256sum numbers.xz && xz -t -T2 numbers"),
    ("python3 -m unittest", "/usr/bin/python3", "python3",
     "/usr/bin/python3 -B -m unittest -v everyday 2>&1 | sed -E 's/in [0-9.]+s//; s/^.*File .*//; s/pid=[0-9]+//'; "
     "exit ${PIPESTATUS[0]}"),
    ("gdb --batch", "gdb", "gdb",
     "cc -g -O0 -o tried tried.c && gdb -nx --batch -ex 'break add' -ex run -ex 'info args' -ex finish -ex continue "
     "./tried 2>&1 | grep -v -e warning -e debuginfod -e thread_db -e process -e 0x -e preload"),
    ("shell with pipes and jobs", "bash", "bash",
     "for i in 1 2 3; do (seq $i 1000 | sort -R | sort -n | md5sum) & wait; done; kill -TERM $BASHPID"),
    ("perl fork and wait", "perl", "perl",
     "perl -e 'for my $i (1..5) { my $p = fork(); exit($i) if !$p; waitpid($p, 0); print $? >> 8, \"\\n\" } exit 3'"),
    ("tar and gzip", "tar", "tar",
     "seq 5000 > n && tar --sort=name --mtime=@0 --owner=0 --group=0 -cz n add.c | gzip -dc | sha256sum; "
     "tar -tf missing"),
]


def prepare(folder):
    (folder / "add.c").write_text(C_SOURCE)
    (folder / "tried.c").write_text(C_SOURCE + "int main(void) { return add(2, 3); }\n")
    (folder / "Makefile").write_text(MAKEFILE)
    (folder / "CMakeLists.txt").write_text(CMAKE)
    (folder / "everyday.py").write_text(UNIT_TEST)


def files_of(folder):
    """Names and contents of what a command left; files with times or paths inside count by name only."""
    ret = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        by_content = path.is_file() and not path.is_symlink() and path.suffix in ("", ".c", ".a", ".xz") and \
            not name.startswith((".git", "built"))
        ret[name] = hashlib.sha256(path.read_bytes()).hexdigest() if by_content else ""
    return {name: content for name, content in ret.items() if not name.startswith((".git/", "built/"))}


def run(folder, command):
    process = field.start(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        out, err = process.communicate(timeout=RUN_LIMIT_S)
    finally:
        field.stop(process)
    return process.returncode, out, err


def compare(checks, afterfork, top, index, name, shell):
    results = []
    for kind in ("plain", "wrapped"):
        # The same path for both, so that outputs with paths in them compare.
        folder = top / "work"
        folder.mkdir()
        prepare(folder)
        command = ["bash", "-c", shell]
        if kind == "wrapped":
            record = top / f"record{index}"
            record.mkdir()
            command = field.run_command(afterfork, record, command)
        results.append((*run(folder, command), files_of(folder)))
        folder.rename(top / f"{kind}{index}")
    for what, plain, wrapped in zip(("exit code", "output", "error output", "files"), *results):
        # A shell that a signal ended is 128 + signal from afterfork, by contract.
        plain = 128 - plain if what == "exit code" and plain < 0 else plain
        checks.equal(f"{name}: {what}", wrapped, plain)
    report = field.read_report(top / f"record{index}")
    # CPython takes a lock of its own in the child which another thread used: luck, and told as such now and then.
    faults = [f["message"] for f in report["findings"] if f["verdict"] != "possible"]
    checks.equal(f"{name}: findings", faults, [])
    summary = report["summary"]
    checks.that(f"{name}: something was watched", summary["images"] > 0)
    print(f"{name}: exit code {results[0][0]}, {summary['images']} program images, {summary['processes']} processes, "
          f"{summary['forks']} forks, {summary['threads']} threads")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afterfork", type=Path, required=True)
    given = parser.parse_args()
    field.need("bash", "bash")
    field.need("cc", "gcc")
    checks = field.Checks()
    os.environ["LC_ALL"] = "C"
    with tempfile.TemporaryDirectory(prefix="afterfork-ordinary-") as top:
        for index, (name, program, package, shell) in enumerate(PROGRAMS):
            field.need(program, package)
            compare(checks, given.afterfork, Path(top), index, name, shell)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
