"""What befalls the trace: no room, no permission, links, the death of everyone. The program is never harmed."""

import os
import signal
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

import wrapped
import process_tree  # in the folder that wrapped adds to the path

OBSERVE = wrapped.PROGRAMS / "observe_errno"
HARMLESS = wrapped.CASES / "mutex_normal_released_before_fork"
HAZARD = wrapped.CASES / "mutex_normal"
CERTAIN = [("certain", "lock-held-by-vanished-thread", 1)]


def can_mount():
    command = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


class TraceFolder(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.TemporaryDirectory(prefix="afterfork-bad-input-")
        self.addCleanup(self.base.cleanup)
        self.addCleanup(process_tree.end_all, os.getpid())
        self.folder = Path(self.base.name) / "program"
        self.folder.mkdir()
        self.trace = Path(self.base.name) / "trace"

    def assert_unharmed(self, got, bare):
        self.assertEqual(got.out.decode(), bare.out.decode())
        self.assertEqual(got.code, bare.code)

    def assert_one_line(self, error, text):
        lines = [line for line in error.decode().splitlines() if text in line]
        self.assertEqual(len(lines), 1, error.decode())

    def assert_refused(self, got):
        """afterfork's own failure, told in one line; the program was not started."""
        self.assertEqual((got.code, got.out), (125, b""))
        self.assertEqual(len(got.error.splitlines()), 1, got.error.decode())
        self.assertIn(b" -o", got.error)

    def test_a_folder_that_cannot_be_made(self):
        place = "/proc/afterfork-trace"
        bare = wrapped.plain([OBSERVE], self.folder)
        self.assert_unharmed(wrapped.preloaded([OBSERVE], self.folder, trace=place), bare)
        got = wrapped.preloaded([HARMLESS], self.folder, trace=place)
        self.assertEqual(got.code, 0)
        self.assert_one_line(got.error, "nothing is recorded")
        self.assert_refused(wrapped.supervised([OBSERVE], self.folder, trace=place))

    def on_small_disk(self, size, command):
        script = 'mount -t tmpfs -o size=$1 none "$2"; shift 2; exec "$@"'
        self.trace.mkdir(exist_ok=True)
        return wrapped.run(["unshare", "--mount", "sh", "-c", script, "sh", size, self.trace, *command],
                           folder=self.folder)

    @unittest.skipUnless(can_mount(), "mounting a small file system is not allowed here")
    def test_a_full_disk_under_run(self):
        bare = wrapped.plain([OBSERVE], self.folder)
        command = [wrapped.AFTERFORK, "run", "-o", self.trace / "trace", "--format", "json=/dev/null", "--"]
        self.assert_refused(self.on_small_disk("4k", [*command, OBSERVE]))
        for size in ("64k", "512k"):
            with self.subTest(size=size):
                self.assert_unharmed(self.on_small_disk(size, [*command, OBSERVE]), bare)
                got = self.on_small_disk(size, [*command, HARMLESS])
                self.assertEqual(got.code, 0)
                self.assert_one_line(got.error, "nothing is recorded")

    @unittest.skipUnless(can_mount(), "mounting a small file system is not allowed here")
    def test_a_full_disk_preloaded_only(self):
        bare = wrapped.plain([OBSERVE], self.folder)
        options = f"AFTERFORK_OPTIONS=output={self.trace}/trace.%p"
        command = ["env", f"LD_PRELOAD={wrapped.LIBRARY}", options]
        for size in ("4k", "64k", "512k"):
            with self.subTest(size=size):
                self.assert_unharmed(self.on_small_disk(size, [*command, OBSERVE]), bare)
                got = self.on_small_disk(size, [*command, HARMLESS])
                self.assertEqual(got.code, 0)
                self.assert_one_line(got.error, "nothing is recorded")

    def test_only_the_owner_may_read_it(self):
        os.umask(0)
        self.addCleanup(os.umask, 0o022)
        wrapped.supervised([OBSERVE], self.folder, trace=self.trace)
        modes = {stat.S_IMODE(path.stat().st_mode) for path in self.trace.iterdir() if path.suffix == ""}
        self.assertEqual(stat.S_IMODE(self.trace.stat().st_mode), 0o700)
        self.assertEqual(modes, {0o600})

    def test_a_link_in_its_place_is_not_followed(self):
        elsewhere = Path(self.base.name) / "elsewhere"
        elsewhere.mkdir()
        self.trace.symlink_to(elsewhere)
        got = wrapped.preloaded([HARMLESS], self.folder, trace=self.trace)
        self.assertEqual(got.code, 0)
        self.assertEqual(got.error, b"")
        self.assertTrue((self.trace.parent / (self.trace.name + "-1") / "run").is_file())
        self.assert_refused(wrapped.run([wrapped.AFTERFORK, "run", "-o", self.trace, "--", HARMLESS],
                                        folder=self.folder))
        self.assertEqual(list(elsewhere.iterdir()), [])

    def test_preloaded_only_the_trace_outlives_a_kill_of_all(self):
        process = wrapped.start_and_hang([HAZARD], wrapped.preload_environment(self.trace), self.folder)
        process_tree.end_all(os.getpid())
        process.wait()
        code, report = wrapped.report_of(self.trace)
        self.assertEqual((code, wrapped.findings(report)), (66, CERTAIN))

    def test_the_trace_outlives_a_kill_of_the_supervisor(self):
        command = [wrapped.AFTERFORK, "run", "--on-deadlock", "report", "-o", self.trace, "--", HAZARD]
        process = wrapped.start_and_hang(command, wrapped.environment(), self.folder)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process_tree.end_all(os.getpid())
        code, report = wrapped.report_of(self.trace)
        self.assertEqual((code, wrapped.findings(report)), (66, CERTAIN))

    def test_many_forks_take_no_more_room(self):
        sizes = []
        for count in (50, 1000):
            trace = Path(self.base.name) / f"trace-{count}"
            got = wrapped.supervised([wrapped.PROGRAMS / "many_forks", count], self.folder, trace=trace)
            self.assertEqual(got.code, 0, got.error.decode())
            _, report = wrapped.report_of(trace)
            self.assertEqual(wrapped.findings(report), [("likely", "stale-lock-met", count)])
            self.assertEqual(report["summary"]["forks"], count)
            sizes.append(sum(path.stat().st_size for path in trace.iterdir() if path.name != "report.json"))
        self.assertLess(sizes[1], sizes[0] + 65536)


if __name__ == "__main__":
    unittest.main()
