#!/usr/bin/env python3
"""Every lock that a child finds held must be in the trace, with its holder, and no other as held."""
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


def judge(busy, report):
    """What is wrong, as a list of sentences."""
    faults = []
    findings = [finding for finding in report["findings"] if finding["rule"] == "stale-lock-met"]
    claims = [finding for finding in report["findings"] if finding["verdict"] in ("certain", "likely")]
    others = {finding["rule"] for finding in claims} - {"stale-lock-met"}
    told = sum(finding["count"] for finding in findings)
    if busy == 0:
        faults.append("no child found a lock held: nothing was tested")
    if told != busy:
        faults.append(f"{busy} locks were held in children, the trace tells of {told}")
    if report["summary"]["dropped_records"]:
        faults.append(f"{report['summary']['dropped_records']} records were dropped")
    if others:
        faults.append(f"findings of other rules: {sorted(others)}")
    for finding in findings:
        acquired = finding.get("holder", {}).get("acquired_at", [])
        # A lock that was just being taken or let go by one of several threads has no holder that is known.
        if "holder" in finding and acquired and acquired[0].get("function") != "nest":
            faults.append(f"the holder took the lock in {acquired[0]}")
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--afterfork", required=True)
    parser.add_argument("program")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="afterfork-guest-") as folder:
        trace = os.path.join(folder, "trace")
        environment = dict(os.environ, LD_PRELOAD=preloadable.path(arguments.library), AFTERFORK_OPTIONS=f"output={trace}")
        program = subprocess.run([arguments.program], env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        report = subprocess.run([arguments.afterfork, "report", "--format", "json", "--fail-on", "never", trace],
                                capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        faults = judge(int(program.stdout), json.loads(report.stdout))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
