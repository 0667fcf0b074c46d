"""A deadlocked process is proven, reported on disk, and then dealt with as asked."""

import json
import os
import re
import shlex
import signal
import subprocess
import time

import harness
from harness import is_alive, program


class Deadlock(harness.RunTest):
    def hung_pids(self, result):
        return [int(line) for line in result.out.splitlines() if line.isdigit()]

    def test_abort_is_the_default(self):
        result = self.run_it(program("hang"), "wait")
        self.expect_code(result, 66)
        self.assertIn(f"signal {int(signal.SIGABRT)}\n", result.out)
        pid, = self.hung_pids(result)
        self.assertRegex(result.err, rf"^afterfork: process {pid} \(.*/hang\) is deadlocked: thread {pid} waits for "
                                     r"ever for a lock \(0x[0-9a-f]+\) held by thread \d+, which did not survive the "
                                     rf"fork; the report is in {re.escape(self.trace())}; sending SIGABRT\n$")

    def test_kill(self):
        result = self.run_it("--on-deadlock", "kill", program("hang"), "wait")
        self.expect_code(result, 66)
        self.assertIn(f"signal {int(signal.SIGKILL)}\n", result.out)

    def test_report_leaves_the_process(self):
        process = self.start("--on-deadlock", "report", program("hang"), "wait")
        pid = int(process.stdout.readline())
        self.assertIn(f"process {pid} ", line := process.stderr.readline())
        self.assertIn("it is left as it is (--on-deadlock report)", line)
        self.assertTrue(is_alive(pid))
        # The report is on disk already, while everything still hangs.
        report = self.stored_report()
        self.assertEqual(report["summary"]["certain"], 1)
        self.assertEqual(report["findings"][0]["process"]["pid"], pid)
        os.kill(pid, signal.SIGKILL)
        self.expect_code(self.finish(process), 66)

    def test_the_report_is_on_disk_before_the_process_is_ended(self):
        """A program's own SIGABRT handler could look: here the parent does, when its child has ended."""
        script = f'{shlex.quote(program("hang"))} wait >/dev/null; cat afterfork.*/report.json >seen.json; exit 3'
        self.expect_code(self.run_it("sh", "-c", script), 66)
        with open(self.path("seen.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["summary"]["certain"], 1)

    def test_source_lines_are_added_once_the_process_is_dealt_with(self):
        process = self.start("--on-deadlock", "report", program("hang"), "wait")
        self.addCleanup(self.finish, process)
        pid = int(process.stdout.readline())
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        self.assertIn("it is left as it is", process.stderr.readline())
        lines = []
        for _ in range(harness.PATIENCE_S * 10):
            stack = self.stored_report()["findings"][0]["victim"]["stack"]
            self.assertEqual([frame["function"] for frame in stack[:2]], ["child", "main"])
            lines = [frame.get("line") for frame in stack[:2]]
            if all(lines):
                break
            time.sleep(0.1)
        self.assertTrue(all(lines), lines)

    def test_a_signal_that_ends_a_proven_wait_takes_nothing_back(self):
        process = self.start("--on-deadlock", "report", program("hang"), "catches")
        pid = int(process.stdout.readline())
        self.assertIn("it is left as it is", process.stderr.readline())
        os.kill(pid, signal.SIGINT)
        result = self.finish(process)
        self.expect_code(result, 66)
        finding, = [f for f in self.stored_report()["findings"] if f["verdict"] == "certain"]
        self.assertEqual((finding["rule"], finding["process"]["pid"]), ("lock-held-by-vanished-thread", pid))
        self.assertRegex(" ".join(result.out.split()), r"in sem_wait, blocked for [^,]* until a signal came")

    def test_who_asks_the_supervisor_to_end_gets_the_report(self):
        """As `timeout` does: the command is ended, and the child that hangs is, too."""
        process = self.start("--on-deadlock", "report", program("hang"), "wait")
        pid = int(process.stdout.readline())
        self.assertIn("it is left as it is", process.stderr.readline())
        process.terminate()
        process.wait(harness.PATIENCE_S)
        os.kill(pid, signal.SIGKILL)
        self.expect_code(self.finish(process), 66)
        self.assertEqual(self.stored_report()["summary"]["certain"], 1)

    def test_a_killed_supervisor_leaves_a_trace_that_tells_it_all(self):
        process = self.start("--on-deadlock", "report", program("hang"), "wait")
        pid = int(process.stdout.readline())
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        self.assertIn("it is left as it is", process.stderr.readline())
        process.kill()
        process.wait()
        read = subprocess.run([harness.AFTERFORK, "report", "--format", "json", self.trace()], capture_output=True,
                              text=True, env=self.environment, check=False)
        self.assertEqual(read.returncode, 66, read.stderr)
        finding, = json.loads(read.stdout)["findings"]
        self.assertEqual((finding["verdict"], finding["process"]["pid"]), ("certain", pid))

    def test_a_child_in_another_pid_namespace_is_ended(self):
        command = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
        if subprocess.run([*command, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("needs the right to make a pid namespace")
        for mode, why in (("wait", "for a lock "), ("catches", r"\(on 0x")):
            result = self.run_it("-o", mode, *command, program("hang"), mode)
            self.expect_code(result, 66)
            inner, = self.hung_pids(result)
            found = re.search(rf"process (\d+) .* is deadlocked: thread \1 waits for ever {why}", result.err)
            self.assertTrue(found, str(result))
            self.assertNotEqual(int(found[1]), inner)
            self.assertIn(f"signal {int(signal.SIGABRT)}\n", result.out)

    def test_an_orphan_that_hangs_does_not_linger(self):
        for mode in ("orphan", "daemon"):
            result = self.run_it("-o", mode, program("hang"), mode)
            self.expect_code(result, 66)
            pid, = self.hung_pids(result)
            self.assertFalse(is_alive(pid))
            self.assertIn(f"process {pid} ", result.err)
            self.assertNotIn("still running", result.err)

    def test_an_orphan_left_on_purpose_is_named(self):
        result = self.run_it("--on-deadlock", "report", program("hang"), "orphan")
        pid, = self.hung_pids(result)
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        self.expect_code(result, 66)
        self.assertTrue(is_alive(pid))
        self.assertRegex(result.err, rf"1 process of the command is still running, unwatched from here on: {pid} "
                                     r"\(.*/hang, deadlocked\)")

    def test_waiting_for_all_ends_when_only_deadlocked_ones_are_left(self):
        result = self.run_it("--wait-for", "all", "--on-deadlock", "report", program("hang"), "orphan")
        pid, = self.hung_pids(result)
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        self.expect_code(result, 66)

    def test_an_ignored_abort_is_followed_by_kill(self):
        result = self.run_it(program("hang"), "ignore")
        self.expect_code(result, 66)
        self.assertIn(f"signal {int(signal.SIGKILL)}\n", result.out)
        self.assertIn("is still there 5 s after SIGABRT; sending SIGKILL", result.err)

    def test_one_whose_handler_could_leave_the_wait_is_let_be(self):
        process = self.start(program("hang"), "caught")
        pid = int(process.stdout.readline())
        line = process.stderr.readline()
        self.assertRegex(line, rf"^afterfork: process {pid} \(.*/hang\) is stuck, and let be: thread {pid} waits for ever "
                               r"for a lock \(0x[0-9a-f]+\) held by thread \d+, which did not survive the fork, unless "
                               r"its handler of SIGUSR1 ends the wait\n$")
        self.assertTrue(is_alive(pid))
        os.kill(pid, signal.SIGKILL)
        result = self.finish(process)
        self.expect_code(result, 66)
        self.assertIn(f"signal {int(signal.SIGKILL)}\n", result.out)
        self.assertEqual(result.err, "")

    def preloaded(self, mode):
        environment = dict(self.environment, LD_PRELOAD=harness.LIBRARY, AFTERFORK_OPTIONS="on-deadlock=abort")
        return subprocess.Popen([program("hang"), mode], stdout=subprocess.PIPE, text=True, cwd=self.folder,
                                env=environment)

    def test_the_library_alone_ends_it_unless_a_handler_could_leave_the_wait(self):
        ended = self.preloaded("wait")
        self.assertIn(f"signal {int(signal.SIGABRT)}\n", self.finish(ended).out)
        let_be = self.preloaded("caught")
        pid = int(let_be.stdout.readline())
        harness.wait_until_blocked(pid)
        os.kill(pid, signal.SIGKILL)
        self.assertIn(f"signal {int(signal.SIGKILL)}\n", self.finish(let_be).out)

    def test_every_child_of_one_fault_is_found(self):
        """More of them than the trace keeps records for one fault."""
        result = self.run_it(program("hang"), "many", "40")
        self.expect_code(result, 66)
        pids = self.hung_pids(result)
        self.assertEqual(len(pids), 40)
        for pid in pids:
            self.assertIn(f"process {pid} ", result.err)

    def test_a_live_thread_beside_it_changes_nothing(self):
        result = self.run_it(program("hang"), "threads")
        self.expect_code(result, 66)
        self.assertIn(f"signal {int(signal.SIGABRT)}\n", result.out)

    def test_a_process_that_may_not_be_traced_is_proven_by_weaker_signs(self):
        result = self.run_unprivileged(program("hang"), "hidden")
        self.expect_code(result, 66)
        self.assertIn(f"signal {int(signal.SIGABRT)}\n", result.out)
        self.assertIn("(its system call could not be read; it has not run for a second)", result.err)

    def test_a_lock_that_another_thread_lets_go_is_no_deadlock(self):
        result = self.run_it("--fail-on", "never", program("hang"), "rescued", "300")
        self.expect_code(result, 3)
        self.assertIn("signal 0\n", result.out)
        self.assertNotIn("is deadlocked", result.err)

    def test_a_process_that_nothing_is_wrong_with_is_left_alone(self):
        result = self.run_it(program("hang"), "quiet")
        self.expect_code(result, 3)
        self.assertIn("signal 0\n", result.out)
        self.assertEqual(result.err, "")

    def test_quiet_says_nothing_but_the_report(self):
        result = self.run_it("-q", program("hang"), "wait")
        self.expect_code(result, 66)
        self.assertEqual(result.err, "")

    def test_the_trace_tells_the_same_off_line(self):
        self.expect_code(self.run_it(program("hang"), "wait"), 66)
        read = subprocess.run([harness.AFTERFORK, "report", "--format", "json", self.trace()], capture_output=True,
                              text=True, env=self.environment, check=False)
        self.assertEqual(read.returncode, 66, read.stderr)
        self.assertEqual(json.loads(read.stdout)["findings"], self.stored_report()["findings"])


if __name__ == "__main__":
    harness.main()
