#!/usr/bin/env python3
"""Runs programs under afterfork and compares its JSON report with what a second reader, made from the page, reads.

usage: check_independent_reader.py --afterfork PATH --root DIR PROGRAM...
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import independent_reader

LOCK_KINDS = {1: "mutex"}
MUTEX_TYPES = {0: "normal", 1: "recursive", 2: "errorcheck", 3: "adaptive"}
OWN_LIBRARY = "libafterfork.so"


def calls_of(page):
    return {int(number): name for number, name in re.findall(r"^\| (\d+) \| `(\w+)` \|$", page, re.M)}


def as_stack(frames):
    """What the report keeps of a stack: the tool's own frames go; frames without a module have an address only."""
    ret = []
    for frame in frames:
        if OWN_LIBRARY in frame.get("module", ""):
            continue
        place = (frame["module"], frame["build_id"], frame["offset"]) if "module" in frame else (None, "", frame["pc"])
        ret.append(place)
    return ret


def reported_stack(frames):
    """The same of a stack in the report, where inlined functions are frames of their own."""
    ret = []
    for frame in frames or []:
        if not frame["inlined"]:
            known = "module" in frame
            ret.append((frame["module"], frame.get("build_id", ""), int(frame["offset"], 16)) if known
                       else (None, "", int(frame["pc"], 16)))
    return ret


# As docs/trace-format.md numbers them: what says nothing once it returned.
SUSPICIONS, RETURNED = (16, 22), 1


def facts_read(incident, calls):
    lock, holder, fork, victim = (incident[part] for part in ("lock", "holder", "fork", "victim"))
    return {
        "pid": incident["pid"], "tid": incident["tid"], "ppid": victim["ppid"] or None, "exe": victim["exe"],
        "lock": (lock["address"], LOCK_KINDS[lock["kind"]], MUTEX_TYPES[lock["type"]]),
        "initialised_at": as_stack(lock["initialised_at"]["frames"]),
        "holder": (holder["tid"] or None, holder["name"] or None, calls.get(holder["call"])),
        "acquired_at": as_stack(holder["acquired_at"]["frames"]),
        "created_at": as_stack(holder["created_at"]["frames"]),
        "fork": (fork["pid"] or None, fork["tid"] or None, calls.get(fork["call"]), fork["vanished_threads"] or None),
        "fork stack": as_stack(fork["stack"]["frames"]),
        "victim": (calls.get(victim["call"]), victim["live_threads"], victim["name"] or None),
        "victim stack": as_stack(victim["stack"]["frames"]),
        "count": 1 + incident["repeats"],
    }


def facts_reported(finding):
    empty = {}
    process, lock = finding["process"], finding["lock"]
    holder, fork, victim = (finding.get(part, empty) for part in ("holder", "fork", "victim"))
    return {
        "pid": process["pid"], "tid": victim["tid"], "ppid": process.get("ppid"), "exe": process["exe"],
        "lock": (int(lock["address"], 16), lock["kind"], lock["type"]),
        "initialised_at": reported_stack(lock.get("initialised_at")),
        "holder": (holder.get("tid"), holder.get("name"), holder.get("call")),
        "acquired_at": reported_stack(holder.get("acquired_at")),
        "created_at": reported_stack(holder.get("created_at")),
        "fork": (fork.get("pid"), fork.get("tid"), fork.get("call"), fork.get("vanished_threads")),
        "fork stack": reported_stack(fork.get("stack")),
        "victim": (victim.get("call"), victim.get("live_threads"), victim.get("name")),
        "victim stack": reported_stack(victim.get("stack")),
        "count": finding["count"],
    }


def run_program(afterfork, program, folder):
    trace, report = Path(folder) / "trace", Path(folder) / "report.json"
    done = subprocess.run([afterfork, "run", "-o", str(trace), "--format", f"json={report}", "--fail-on", "never", "--",
                           program], capture_output=True, text=True, timeout=100, check=False)
    if not report.exists():
        raise RuntimeError(f"{program}: afterfork run left no report (exit code {done.returncode}): {done.stderr}")
    return independent_reader.read_folder(trace), json.loads(report.read_text())


def differences(program, trace, report, calls):
    ret = []

    def compare(what, read, reported):
        if read != reported:
            ret.append(f"{program}: {what}: read {read}, reported {reported}")

    run = trace["run"]
    for name in ("processes", "threads", "forks", "images", "images_unrecorded", "cut_stacks", "lost_held",
                 "execs_uncovered"):
        compare(name, run[name], report["summary"][name])
    compare("dropped_records", run["dropped_records"] + sum(i["dropped_records"] for i in trace["images"]),
            report["summary"]["dropped_records"])
    compare("command", run["command"], report["command"])
    compare("run_id of all files", {image["run_id"] for image in trace["images"]} | {run["run_id"]}, {run["run_id"]})
    exit_read = {"signal": run["exit_signal"]} | ({"code": run["exit_code"]} if run["exit_code"] >= 0 else {})
    compare("exit", exit_read, report["exit"])
    incidents = [incident for image in trace["images"] for incident in image["incidents"]
                 if not (incident["observed"] in SUSPICIONS and incident["outcome"] == RETURNED)]
    compare("number of incidents", len(incidents), len(report["findings"]))
    if len(incidents) == len(report["findings"]) == 1:
        read, reported = facts_read(incidents[0], calls), facts_reported(report["findings"][0])
        for what, value in read.items():
            compare(what, value, reported[what])
    return ret, len(incidents)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--afterfork", required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("programs", nargs="+")
    given = parser.parse_args()
    calls = calls_of((given.root / "docs/trace-format.md").read_text())
    found, incidents = [], 0
    for program in given.programs:
        with tempfile.TemporaryDirectory(prefix="afterfork-reader-") as folder:
            trace, report = run_program(given.afterfork, program, folder)
            different, count = differences(Path(program).name, trace, report, calls)
            found += different
            incidents += count
    for line in found:
        print(line, file=sys.stderr)
    print(f"compared {len(given.programs)} traces with {incidents} incidents: {len(found)} differences")
    return 1 if found or not incidents else 0


if __name__ == "__main__":
    sys.exit(main())
