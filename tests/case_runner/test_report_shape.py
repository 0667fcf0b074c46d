"""The described shape's own test, and its comparison with the documentation."""

import glob
import json
import re
import unittest
from pathlib import Path

import report_shape
from test_matching import change, fitting_report, frame

ROOT = Path(__file__).resolve().parents[2]


class ReportShape(unittest.TestCase):
    def test_a_report_that_fits_has_no_fault(self):
        self.assertEqual(report_shape.faults(fitting_report()), [])

    def test_each_fault_is_seen(self):
        for path, value in (
                ("schema", "afterfork/report/2"), ("schema", None), ("news", 1), ("findings", {}), ("findings.0.count", 0),
                ("findings.0.count", 1.0), ("findings.0.count", True), ("findings.0.pending", -1),
                ("findings.0.count", 2**64), ("findings.0.fingerprint", "12AB"), ("findings.0.message", ""),
                ("findings.0.rule", "lock-held"), ("findings.0.lock.kind", None), ("findings.0.lock.kind", "lock"),
                ("findings.0.lock.robust", False), ("findings.0.lock.name", ""), ("findings.0.lock.offset", "0x1"),
                ("findings.0.lock.address", "0x0040"), ("findings.0.holder", {}), ("findings.0.holder.tid", 0),
                ("findings.0.victim.stack", []), ("findings.0.victim.created_at", [frame("main")]),
                ("findings.0.victim.stack.0.inlined", None), ("findings.0.victim.stack.0.module", None),
                ("findings.0.victim.stack.0.line", 0), ("findings.0.victim.stack.0.file", None),
                ("findings.0.fork.stack", None), ("findings.0.holder.created_at_cut", True),
                ("started", "2026-01-01T00:00:00Z"), ("warnings", None), ("warnings", [""]),
                ("findings.0.holder.name", None)):
            report = change(fitting_report(), path, value)
            if path == "findings.0.fork.stack":
                report["findings"][0]["fork"]["stack_cut"] = True
            with self.subTest(path=path, value=value):
                is_optional = (path, value) == ("findings.0.holder.name", None)
                self.assertEqual(report_shape.faults(report) == [], is_optional)

    def test_stored_reports_have_it(self):
        names = glob.glob(str(ROOT / "tests/data/traces/**/*.json"), recursive=True)
        self.assertGreater(len(names), 16)
        for name in names:
            with self.subTest(name=name):
                self.assertEqual(report_shape.faults(json.loads(Path(name).read_text(encoding="utf-8"))), [])

    def test_the_documentation_names_the_same_keys(self):
        page = (ROOT / "docs/verdicts.md").read_text(encoding="utf-8")
        section = re.search(r"^## The JSON report\n(.*?)^## ", page, re.M | re.S).group(1)
        named = set(re.findall(r"`([a-z_]+)`", section))
        described = {key for key in report_shape.all_keys() if not key.endswith("_cut")}
        self.assertEqual(described - named, set())
        self.assertEqual(named - described - {"true", "run", "afterfork"} - set(report_shape.KINDS + report_shape.TYPES)
                         - {"calls", "holds", "certain"}, set())

    def test_the_rules_are_those_of_the_documentation(self):
        page = (ROOT / "docs/verdicts.md").read_text(encoding="utf-8")
        self.assertEqual([rule for rule in report_shape.RULES if f"`{rule}`" not in page], [])


if __name__ == "__main__":
    unittest.main()
