"""The three ways to run a workload, and one run of it."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "case_runner"))

import preloadable  # noqa: E402

NATIVE, PASSTHROUGH, AFTERFORK = "native", "passthrough", "afterfork"
VARIANTS = (NATIVE, PASSTHROUGH, AFTERFORK)
RUN_LIMIT_S = 600


class BenchProblem(Exception):
    """A workload did not run as it must; the text says which and why."""


@dataclass(frozen=True)
class Bench:
    """Where the programs are and how thorough a run shall be."""

    build: Path
    rounds: int
    quick: bool

    def program(self, name):
        return str(self.build / "bench" / name)

    def library(self, variant):
        """The library to preload, or None."""
        return {
            NATIVE: None,
            PASSTHROUGH: Path(preloadable.path(self.build / "bench/libpassthrough.so")),
            AFTERFORK: Path(preloadable.path(self.build / "lib/libafterfork.so")),
        }[variant]

    def environment(self, folder):
        """Without a preload; the library, where it comes in, writes its traces below `folder`."""
        ret = {
            k: v for k, v in os.environ.items() if not k.startswith(("AFTERFORK_", "LD_"))
        }
        ret["AFTERFORK_OPTIONS"] = f"output={folder}/trace.%p"
        ret["LC_ALL"] = "C"
        if self.quick:
            ret["BENCH_QUICK"] = "1"
        return ret

    def check(self):
        for path in (self.library(AFTERFORK), self.library(PASSTHROUGH)):
            if not path.exists():
                raise BenchProblem(
                    f"{path} is missing: build the target bench_programs of {self.build}"
                )


class Scratch:
    """A folder for the traces of one run, gone afterwards."""

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(prefix="afterfork-bench."))
        return self.path

    def __exit__(self, *exception):
        shutil.rmtree(self.path, ignore_errors=True)


def run_command(command, environment, folder=None):
    """Runs it; ends the benchmark when it fails or when the loader refused a library. Its output, as bytes."""
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, timeout=RUN_LIMIT_S, check=False
    )
    errors = done.stderr.decode(errors="replace").strip()
    what = " ".join(map(str, command))
    if done.returncode != 0:
        raise BenchProblem(f"{what}: exit code {done.returncode}: {errors}")
    if "cannot be preloaded" in errors or "afterfork:" in errors:
        raise BenchProblem(f"{what}: {errors}")
    return done.stdout


def parse_metrics(text):
    """Lines `name value` as a dictionary; values that are numbers become floats."""
    ret = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        ret[name] = value if name == "preload" else float(value)
    return ret


def run_workload(bench, variant, command, folder):
    """One process of a workload of ours: its metrics."""
    environment = bench.environment(folder)
    library = bench.library(variant)
    if library:
        environment["LD_PRELOAD"] = str(library)
    metrics = parse_metrics(run_command(command, environment).decode())
    loaded = metrics.pop("preload", None)
    if loaded != (library.name if library else None):
        raise BenchProblem(f"{' '.join(command)}: {variant} ran with {loaded} preloaded")
    return metrics


def run_foreign(bench, variant, command, scratch, folder=None):
    """One process that is not ours, run in `folder`: wall_ns, cpu_ns, peak_rss_kib; and its output."""
    costs = scratch / "costs"
    launcher = [bench.program("spawn_measured"), costs, bench.library(variant) or "-"]
    output = run_command(launcher + command, bench.environment(scratch), folder)
    return parse_metrics(costs.read_text(encoding="ascii")), output


def interleave(rounds, variants, run):
    """run(variant, folder) for all variants in turn, many times; each round begins with another variant.
    {variant: [metrics of each round]}"""
    ret = {variant: [] for variant in variants}
    for round_number in range(rounds):
        start = round_number % len(variants)
        for variant in variants[start:] + variants[:start]:
            with Scratch() as folder:
                ret[variant].append(run(variant, folder))
    return ret
