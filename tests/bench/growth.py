"""How cost grows: with threads, locks held, depth of the stack, forks. Native against afterfork only."""

from dataclasses import dataclass

import spread
import table
import variants

PAIR = (variants.NATIVE, variants.AFTERFORK)
FORKS = (1, 100, 1000, 20000, 100000)
FORKS_QUICK = (1, 100)


@dataclass(frozen=True)
class Series:
    name: str
    command: tuple  # {} stands for the value
    values: tuple
    metric: str = "ns_per_op"


SERIES = (
    Series("pair, threads asleep", ("work_lock", "--idle={}"), (1, 8, 64, 512, 2000)),
    Series("pair, other locks held", ("work_lock", "--held={}"), (0, 4, 16, 64, 256, 1024, 4096)),
    Series("nested, last in first out", ("work_lock", "--nested={}"), (2, 8, 32, 128, 512)),
    Series(
        "nested, first in first out",
        ("work_lock", "--fifo=1", "--nested={}"),
        (2, 8, 32, 128, 512),
    ),
    Series("pair, frames deep", ("work_lock", "--depth={}"), (0, 4, 24, 100, 1000)),
    Series("round robin, mutexes", ("work_lock", "--mutexes={}"), (1, 64, 1024, 16384)),
    Series(
        "call tree, same path in a row",
        ("work_tree", "--shape=12", "--run={}"),
        (1, 2, 4, 16, 64),
    ),
    Series(
        "call tree, other locks held",
        ("work_tree", "--shape=12", "--held={}"),
        (0, 4, 16, 64, 256, 1024),
    ),
    Series("fork, threads", ("work_fork", "--threads={}"), (0, 1, 8, 64, 256)),
    Series("fork, locks held by each of 8", ("work_fork", "--locks={}"), (0, 4, 16, 256)),
    Series("fork, frames deep", ("work_fork", "--depth={}"), (0, 24, 100, 1000)),
    Series("create and join, threads asleep", ("work_create", "--idle={}"), (1, 64, 512)),
    Series(
        "memory per thread, bytes; sites",
        ("work_thread_memory", "--threads=200", "--sites={}"),
        (0, 8, 64, 200),
        "bytes_per_thread",
    ),
    Series(
        "memory per thread, bytes; threads",
        ("work_thread_memory", "--sites=8", "--threads={}"),
        (10, 100, 1000),
        "bytes_per_thread",
    ),
)


def command_of(bench, command, value):
    program, *arguments = command
    return [bench.program(program)] + [argument.format(value) for argument in arguments]


def measure(bench, series, value):
    command = command_of(bench, series.command, value)

    def run(variant, folder):
        return variants.run_workload(bench, variant, command, folder)[series.metric]

    return variants.interleave(bench.rounds, PAIR, run)


def print_series(bench, series):
    ret = {}
    values = (series.values[0], series.values[-1]) if bench.quick else series.values
    table.print_columns(series.name, "native", "afterfork", "difference", "ratio")
    for value in values:
        ret[value] = taken = measure(bench, series, value)
        native, afterfork = taken[variants.NATIVE], taken[variants.AFTERFORK]
        medians = spread.of(native).median, spread.of(afterfork).median
        ratio = spread.ratios(afterfork, native).median
        numbers = (f"{number:,.1f}" for number in (*medians, medians[1] - medians[0]))
        table.print_columns(f"{value:>12,}", *numbers, f"{ratio:.2f}")
    print()
    return ret


def folder_size_bytes(folder):
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


def count_files(folder):
    return sum(file.is_file() for file in folder.rglob("*"))


def measure_trace(bench, forks, meet):
    command = command_of(bench, ("work_fork", "--forks={}", f"--meet={meet}"), forks)
    with variants.Scratch() as folder:
        metrics = variants.run_workload(bench, variants.AFTERFORK, command, folder)
        return folder_size_bytes(folder), count_files(folder), metrics["peak_rss_kib"]


def print_trace(bench):
    ret = {}
    for meet, name in ((0, "trace; forks"), (1, "trace; each child meets a lock")):
        table.print_columns(name, "KiB on disk", "files", "peak memory KiB")
        for forks in FORKS_QUICK if bench.quick else FORKS:
            size_bytes, files, peak_kib = ret[f"{meet}/{forks}"] = measure_trace(bench, forks, meet)
            table.print_columns(f"{forks:>12,}", f"{size_bytes / 1024:,.0f}", files, f"{peak_kib:,.0f}")
        print()
    return ret


def run(bench, wanted):
    """Prints one small table for each series. Returns {series: {value: {variant: [numbers]}}}."""
    ret = {series.name: print_series(bench, series) for series in SERIES if wanted(series.name)}
    if wanted("trace"):
        ret["trace"] = print_trace(bench)
    return ret
