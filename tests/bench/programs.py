"""Programs that are not ours: time and memory of the whole run. Their input is made here, the same each time."""

import random
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import redis_load
import spread
import table
import variants

TIME_TARGET, MEMORY_TARGET = 1.05, 1.2
METRICS = (
    ("elapsed, ms", "wall_ns", 1e6, TIME_TARGET),
    ("CPU, ms", "cpu_ns", 1e6, TIME_TARGET),
    ("peak memory, KiB", "peak_rss_kib", 1, MEMORY_TARGET),
)


@dataclass(frozen=True)
class Program:
    name: str
    needs: tuple  # commands
    packages: str  # that have them, in Debian
    prepare: Callable  # (bench, folder): makes the input
    run: Callable  # (bench, variant, input folder, scratch folder): metrics


def make_words(count):
    source = random.Random(1)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    return ["".join(source.choices(letters, k=source.randint(2, 9))) for _ in range(count)]


def make_text(lines, seed):
    source, words = random.Random(seed), make_words(3000)
    return "".join(" ".join(source.choices(words, k=10)) + "\n" for _ in range(lines))


def prepare_xz(bench, folder):
    block = make_text(2000, seed=2)
    copies = 4 if bench.quick else 60
    text = "".join(block[i * 97 :] + block[: i * 97] for i in range(copies))
    (folder / "text").write_text(text, encoding="ascii")


def run_xz(bench, variant, folder, scratch):
    command = ["xz", "-T2", "-1", "--block-size=256KiB", "-k", "-c", folder / "text"]
    metrics, output = variants.run_foreign(bench, variant, command, scratch)
    check_same(folder, "xz", output)
    return metrics


def prepare_git(bench, folder):
    for number in range(50 if bench.quick else 4000):
        text = make_text(100, seed=number)
        (folder / f"{number}.txt").write_text(text, encoding="ascii")


def run_git(bench, variant, folder, scratch):
    command = ["git", "-c", "core.pager=cat", "grep", "--no-index", "--threads=2", "-c", "-E"]
    command += ["[aeiou]{4}[bcd]+|zq[a-f]+", "--", "."]
    metrics, output = variants.run_foreign(bench, variant, command, scratch, folder)
    check_same(folder, "git", output)
    return metrics


def prepare_sqlite(bench, folder):
    count = 2000 if bench.quick else 150000
    (folder / "work.sql").write_text(
        "create table t(a integer primary key, b text, c integer);\n"
        "insert into t with recursive n(i) as (select 1 union all select i + 1 from n"
        f" where i < {count}) select i, hex(i * 7919), i % 1000 from n;\n"
        "create index t_c on t(c);\n"
        "select c, count(*), max(b) from t group by c order by 2, 1 limit 5;\n"
        "update t set b = b || 'x' where c % 3 = 0;\n"
        "select sum(length(b)) from t;\n",
        encoding="ascii",
    )


def run_sqlite(bench, variant, folder, scratch):
    command = ["sqlite3", ":memory:", f".read {folder}/work.sql"]
    metrics, output = variants.run_foreign(bench, variant, command, scratch)
    check_same(folder, "sqlite3", output)
    return metrics


def check_same(folder, program, output):
    """A wrapped program prints what the unwrapped one printed."""
    first = folder.parent / f"{folder.name}.output"
    if not first.exists():
        first.write_bytes(output)
    elif first.read_bytes() != output:
        raise variants.BenchProblem(f"{program}: its output differs between variants")


def prepare_nothing(bench, folder):
    pass


PROGRAMS = (
    Program("redis-server, BGSAVE", redis_load.NEEDS, redis_load.PACKAGES, prepare_nothing, redis_load.run),
    Program("git grep --threads=2", ("git",), "git", prepare_git, run_git),
    Program("xz -T2", ("xz",), "xz-utils", prepare_xz, run_xz),
    Program("sqlite3, one thread", ("sqlite3",), "sqlite3", prepare_sqlite, run_sqlite),
)


def measure(bench, program, parent):
    folder = Path(tempfile.mkdtemp(dir=parent))
    program.prepare(bench, folder)

    def run(variant, scratch):
        return program.run(bench, variant, folder, scratch)

    return variants.interleave(bench.rounds, variants.VARIANTS, run)


def print_program(taken):
    for label, metric, divisor, target in METRICS:
        values = {v: [m[metric] for m in taken[v]] for v in variants.VARIANTS}
        native = values[variants.NATIVE]
        table.print_row(
            f"  {label}",
            spread.of(native).median / divisor,
            spread.ratios(values[variants.PASSTHROUGH], native),
            spread.ratios(values[variants.AFTERFORK], native),
            target,
        )


def run(bench, wanted):
    """Prints the table program by program. Returns {program: {variant: [metrics]}}."""
    ret = {}
    chosen = [program for program in PROGRAMS if wanted(program.name)]
    if chosen:
        table.print_heading("whole program", "native")
    with variants.Scratch() as parent:
        for program in chosen:
            missing = [name for name in program.needs if not shutil.which(name)]
            if missing:
                raise variants.BenchProblem(
                    f"{program.name}: no {', '.join(missing)} here: install {program.packages}"
                )
            print(program.name, flush=True)
            ret[program.name] = measure(bench, program, parent)
            print_program(ret[program.name])
    return ret
