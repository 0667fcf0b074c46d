"""The workloads of ours, a row each: time of one operation."""

from dataclasses import dataclass
from pathlib import Path

import spread
import table
import variants

HERE = Path(__file__).resolve().parent
SYSTEM_PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Row:
    name: str
    command: tuple
    target: float | None = None
    tells_difference: bool = False


ROWS = (
    Row("pair", ("work_lock",), 1.2),
    Row("round robin, 64 mutexes", ("work_lock", "--mutexes=64"), 1.2),
    Row("8 nested", ("work_lock", "--nested=8"), 1.2),
    Row("24 frames deep", ("work_lock", "--depth=24"), 1.2),
    Row("pair, frame pointers", ("work_lock_fp",), 1.35),
    Row("the same, 24 frames deep", ("work_lock_fp", "--depth=24"), 1.35),
    Row("std::lock_guard, -O0", ("work_guard",), 1.5),
    Row("std::unique_lock, -O0", ("work_guard", "--unique=1"), 1.5),
    Row("2 released in turn", ("work_lock", "--nested=2", "--fifo=1")),
    Row("rwlock, read", ("work_call", "read")),
    Row("rwlock, write", ("work_call", "write")),
    Row("sem_wait, sem_post", ("work_call", "semaphore")),
    Row("random()", ("work_call", "random")),
    Row("localtime_r()", ("work_call", "localtime")),
    Row("two threads contend", ("work_contended",)),
    Row("call tree, 4 levels of 8", ("work_tree", "--shape=4"), 1.4),
    Row("call tree, 12 levels of 2", ("work_tree", "--shape=12"), 1.4),
    Row("C++ sharded map, 2 threads", ("work_sharded_map",), 1.4),
    Row("CPython: queue, lock, log", (SYSTEM_PYTHON, str(HERE / "work_python.py")), 1.4),
    Row("fork, 8 threads, 32 locks", ("work_fork", "--threads=8", "--locks=4"), 1.1),
    Row("the same, 64 MiB heap", ("work_fork", "--threads=8", "--locks=4", "--heap-mib=64"), 1.1),
    Row("create and join a thread", ("work_create",)),
    Row("start and end of a program", ("work_start",), tells_difference=True),
    Row("pair, one thread alive", ("work_lock", "--idle=0")),
)


def command_of(bench, row):
    program, *arguments = row.command
    return [program if program.startswith("/") else bench.program(program), *arguments]


def measure(bench, row):
    """{variant: [ns per operation of each round]}"""
    command = command_of(bench, row)

    def run(variant, folder):
        return variants.run_workload(bench, variant, command, folder)["ns_per_op"]

    return variants.interleave(bench.rounds, variants.VARIANTS, run)


def print_difference(taken):
    def more_us(variant):
        pairs = zip(taken[variant], taken[variants.NATIVE], strict=True)
        return spread.of([(with_it - without) / 1e3 for with_it, without in pairs])

    table.print_row(
        "  the difference, microseconds", 0, more_us(variants.PASSTHROUGH), more_us(variants.AFTERFORK), None
    )


def run(bench, wanted):
    """Prints the table row by row. Returns {row name: {variant: [ns]}}."""
    ret = {}
    chosen = [row for row in ROWS if wanted(row.name)]
    if chosen:
        table.print_heading("ns per operation", "native")
    for row in chosen:
        ret[row.name] = taken = measure(bench, row)
        native = taken[variants.NATIVE]
        table.print_row(
            row.name,
            spread.of(native).median,
            spread.ratios(taken[variants.PASSTHROUGH], native),
            spread.ratios(taken[variants.AFTERFORK], native),
            row.target,
        )
        if row.tells_difference:
            print_difference(taken)
    return ret
