"""`afterfork report` on stored traces and on those that `afterfork run` just made."""

import glob
import json
import os
import subprocess
import sys

import harness

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "case_runner"))
import report_shape  # noqa: E402

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")
PREFIX = os.path.join(DATA, "traces")
TRACES = sorted(os.path.relpath(os.path.dirname(path), PREFIX)
                for path in glob.glob(os.path.join(PREFIX, "**", "image-*-0"), recursive=True))


class Report(harness.RunTest):
    def report(self, *arguments, cwd):
        done = subprocess.run([harness.AFTERFORK, "report", *arguments], cwd=cwd, env=self.environment,
                              capture_output=True, text=True, timeout=harness.PATIENCE_S, check=False)
        self.assertEqual(done.stderr, "", arguments)
        return done

    def read(self, *traces, cwd):
        done = self.report("--format", "json", *traces, cwd=cwd)
        report = json.loads(done.stdout)
        self.assertEqual(report_shape.faults(report), [], traces)
        self.assertEqual(done.returncode, 66 if report["summary"]["certain"] else 0, traces)
        return report

    def test_stored_traces(self):
        self.assertGreater(len(TRACES), 16)
        for name in TRACES:
            with self.subTest(trace=name):
                with open(os.path.join(PREFIX, name + ".json"), encoding="utf-8") as file:
                    expected = json.load(file)
                self.assertEqual(self.read(os.path.join("traces", name), cwd=DATA)["findings"], expected["findings"])
                self.report("-v", "--format", "text", "--fail-on", "never", os.path.join("traces", name), cwd=DATA)

    def test_several_traces_in_one_report(self):
        paths = [os.path.join("traces", name) for name in TRACES if name.startswith("recorded/")]
        each = [self.read(path, cwd=DATA)["summary"] for path in paths]
        together = self.read(*paths, cwd=DATA)["summary"]
        for count in ["processes", "forks", "threads"]:
            self.assertEqual(together[count], sum(one.get(count, 0) for one in each), count)

    def test_says_what_run_said(self):
        for command in [["hang", "wait"], ["hang", "many", "20"], ["hang", "rescued", "100"], ["stuck", "wait"]]:
            with self.subTest(command=command):
                trace = "trace-" + "-".join(command)
                self.run_it("-o", trace, "--on-deadlock", "kill", harness.program(command[0]), *command[1:])
                with open(self.path(f"{trace}/report.json"), encoding="utf-8") as file:
                    at_the_end = json.load(file)
                self.assertEqual(self.read(trace, cwd=self.folder)["findings"], at_the_end["findings"])
                self.assertGreater(len(at_the_end["findings"]), 0)


if __name__ == "__main__":
    harness.main()
