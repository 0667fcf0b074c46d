#!/usr/bin/env python3
"""What afterfork costs, as ratios to the same program without it.

Every workload is a process of its own and runs natively, under a preload library that only passes calls on, and under
libafterfork.so, in turn and many times over. A ratio is taken within each round; printed are the median of the
rounds, the quartiles and the extremes. Nothing here passes or fails on time; the exit code says whether every
workload ran.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import growth
import programs
import rows
import table
import variants

PARTS = {"rows": rows.run, "programs": programs.run, "growth": growth.run}
TITLES = {
    "rows": "one operation",
    "programs": "programs that are not ours",
    "growth": "growth",
}
ROUNDS = {"rows": 40, "programs": 15, "growth": 7}


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Measures afterfork's cost; prints ratios with their spread."
    )
    parser.add_argument(
        "--build", type=Path, required=True, help="build folder with bench_programs built"
    )
    parser.add_argument("--part", action="append", choices=PARTS, help="this part only (repeatable)")
    parser.add_argument("--only", default="", metavar="REGEX", help="rows whose name matches only")
    parser.add_argument(
        "--rounds", type=int, help=f"rounds of each row; default {ROUNDS} by part"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round: shows that every row runs, times mean nothing"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number taken there")
    ret = parser.parse_args()
    if ret.rounds is not None and ret.rounds < 1:
        parser.error("--rounds must be at least 1")
    return ret


def main():
    arguments = parse_arguments()
    wanted = re.compile(arguments.only, re.IGNORECASE).search
    taken = {}
    for part in arguments.part or PARTS:
        rounds = arguments.rounds or (1 if arguments.quick else ROUNDS[part])
        bench = variants.Bench(arguments.build.resolve(), rounds, arguments.quick)
        bench.check()
        plural = "s" if rounds > 1 else ""
        table.print_part(f"{TITLES[part]}: {rounds} round{plural}")
        taken[part] = PARTS[part](bench, wanted)
    if not any(taken.values()):
        raise variants.BenchProblem(f"no row's name matches {arguments.only!r}")
    if arguments.json:
        arguments.json.write_text(json.dumps(taken, indent=1), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except (variants.BenchProblem, subprocess.TimeoutExpired) as problem:
        sys.exit(f"bench: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
