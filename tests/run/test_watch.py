"""The watch from outside: hangs that nothing inside of the program shows."""

import json
import os
import signal
import subprocess
import sys

import harness
from harness import is_alive, program


class Watch(harness.RunTest):
    def stuck_pids(self, result):
        return [int(line) for line in result.out.splitlines() if line.isdigit()]

    def test_a_home_made_lock_is_found_named_and_ended(self):
        result = self.run_it("--fail-on", "likely", program("stuck"), "wait")
        self.expect_code(result, 66)
        self.assertIn(f"signal {int(signal.SIGABRT)}\n", result.out)
        pid, = self.stuck_pids(result)
        self.assertRegex(result.err, rf"^afterfork: process {pid} \(.*/stuck\) is deadlocked: thread {pid} waits for ever "
                                     r"\(on 0x[0-9a-f]+\) for threads that did not survive the fork; "
                                     r"the report is in .*; sending SIGABRT\n$")
        finding, = self.stored_report()["findings"]
        self.assertEqual((finding["verdict"], finding["rule"]), ("likely", "waker-vanished"))
        self.assertEqual(finding["lock"]["kind"], "futex")
        self.assertEqual(finding["lock"]["name"], "home_made_lock")
        self.assertEqual(finding["process"]["pid"], pid)
        self.assertEqual([f["function"] for f in finding["victim"]["stack"][:4]],
                         ["wait_while_taken", "take", "child", "main"])
        self.assertEqual(finding["fork"]["call"], "fork")
        self.assertEqual(finding["fork"]["vanished_threads"], 1)
        self.assertEqual(finding["fork"]["stack"][0]["function"], "main")

    def test_the_trace_tells_the_same_off_line(self):
        self.expect_code(self.run_it("--fail-on", "likely", program("stuck"), "wait"), 66)
        read = subprocess.run([harness.AFTERFORK, "report", "--fail-on", "likely", "--format", "json", self.trace()], capture_output=True,
                              text=True, env=self.environment, check=False)
        self.assertEqual(read.returncode, 66, read.stderr)
        self.assertEqual(json.loads(read.stdout)["findings"], self.stored_report()["findings"])

    def test_report_leaves_the_process_in_its_wait(self):
        process = self.start("--on-deadlock", "report", "--fail-on", "likely", program("stuck"), "wait")
        pid = int(process.stdout.readline())
        self.assertIn("it is left as it is (--on-deadlock report)", process.stderr.readline())
        harness.wait_until_blocked(pid)  # again: it was stopped for the look
        self.assertTrue(is_alive(pid))
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            self.assertIn("TracerPid:\t0\n", file.read())
        os.kill(pid, signal.SIGKILL)
        self.expect_code(self.finish(process), 66)

    def test_many_children_of_one_fault_are_one_finding(self):
        result = self.run_it("--fail-on", "likely", program("stuck"), "wait", "24")
        self.expect_code(result, 66)
        finding, = self.stored_report()["findings"]
        self.assertEqual(finding["count"], 24)
        for pid in self.stuck_pids(result):
            self.assertIn(f"process {pid} ", result.err)

    def test_nothing_is_claimed_of_a_process_that_may_not_be_looked_at(self):
        result = self.run_unprivileged(program("stuck"), "hidden")
        self.expect_code(result, 3)
        self.assertNotIn("deadlocked", result.err)

    def test_idle_children_are_left_alone_and_cost_little(self):
        script = ("import os, subprocess, sys;"
                  "p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL);"
                  "f = os.wait4(p.pid, os.WNOHANG);"
                  "import time; time.sleep(3);"
                  "print(open(f'/proc/{p.pid}/schedstat').read().split()[0]);"
                  "p.wait(); print(p.returncode)")
        out = subprocess.run([sys.executable, "-c", script, harness.AFTERFORK, "run", program("stuck"), "idle", "200"],
                             env=self.environment, cwd=self.folder, capture_output=True, text=True, check=True).stdout
        spent_ns, code = out.split()
        self.assertEqual(code, "3")
        # Three seconds at a share of one in 200, and the start: a tight loop would take all of them.
        self.assertLess(int(spent_ns), 300_000_000)


if __name__ == "__main__":
    harness.main()
