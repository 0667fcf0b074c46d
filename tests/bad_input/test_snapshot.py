"""The snapshot is exact at whatever moment a fork comes: no lock is missed, none is claimed that was free."""

import tempfile
import unittest
from pathlib import Path

import wrapped
import matching  # in the folder that wrapped adds to the path

FORKS = 2000


class Snapshot(unittest.TestCase):
    def test_locks_met_and_locks_reported_are_the_same(self):
        with tempfile.TemporaryDirectory(prefix="afterfork-bad-input-") as name:
            folder = Path(name) / "program"
            folder.mkdir()
            got = wrapped.supervised([wrapped.PROGRAMS / "churn_forks", FORKS], folder)
            self.assertEqual((got.code, got.error), (0, b""))
            _, report = wrapped.report_of(Path(name) / "trace")
        locked = int(got.out)
        self.assertEqual(report["summary"]["forks"], FORKS)
        self.assertEqual(sum(finding["count"] for finding in report["findings"]), locked)
        for finding in report["findings"]:
            self.assertEqual((finding["verdict"], finding["rule"]), ("likely", "stale-lock-met"))
            # In the moment between the lock and its record two threads may be meant: then none is named.
            if "acquired_at" in finding.get("holder", {}):
                self.assertIsNone(matching.stack_difference("churn<churner", finding["holder"]["acquired_at"]))

    def test_every_child_is_counted_once_whatever_its_road(self):
        with tempfile.TemporaryDirectory(prefix="afterfork-bad-input-") as name:
            folder = Path(name) / "program"
            folder.mkdir()
            got = wrapped.supervised([wrapped.PROGRAMS / "forks_every_way"], folder)
            self.assertEqual((got.code, got.error), (0, b""))
            _, report = wrapped.report_of(Path(name) / "trace")
        made = int(got.out)
        self.assertEqual((report["summary"]["forks"], report["summary"]["processes"]), (made, made + 1))
        self.assertEqual(report["findings"], [])


if __name__ == "__main__":
    unittest.main()
