"""Of each kind of wait that nobody is left to end: it is told, and its process does not hang for ever."""

import json
import os
import re
import signal
import subprocess
import time

import harness
from harness import program

# What is told of each child of the program `standstill`; all are ended.
KINDS = {
    "cond_static": ("likely", "waker-vanished", "condvar"),
    "cond_heap_before": ("likely", "waker-vanished", "condvar"),
    "cond_heap_after": ("note", "other-deadlock", "condvar"),
    "cond_plain_before": ("likely", "waker-vanished", "condvar"),
    "cond_plain_after": ("note", "other-deadlock", "condvar"),
    "cond_stack_after": ("note", "other-deadlock", "condvar"),
    "sem_static": ("likely", "waker-vanished", "semaphore"),
    "sem_heap_before": ("likely", "waker-vanished", "semaphore"),
    "sem_stack_after": ("note", "other-deadlock", "semaphore"),
    "sem_in_queue": ("likely", "waker-vanished", "futex"),
    "sem_taken_twice": ("note", "other-deadlock", "semaphore"),
    "barrier_before": ("certain", "waker-vanished", "barrier"),
    "barrier_after": ("note", "other-deadlock", "barrier"),
    "mutex_twice": ("note", "other-deadlock", "mutex"),
    "rwlock_twice": ("note", "other-deadlock", "rwlock"),
    "futex_static": ("likely", "waker-vanished", "futex"),
    "futex_after": ("note", "other-deadlock", "futex"),
    "mutex_of_ended_thread": ("note", "other-deadlock", "mutex"),
    "circle": ("note", "other-deadlock", "mutex"),
    "join_of_stuck": ("note", "other-deadlock", None),
}


class Standstill(harness.RunTest):
    def told(self):
        """By process. Each fault is met once: none may be counted twice."""
        told = {}
        for finding in self.stored_report()["findings"]:
            self.assertEqual(finding["count"], 1, finding["message"])
            self.assertNotIn(finding["process"]["pid"], told)
            told[finding["process"]["pid"]] = (finding["verdict"], finding["rule"], finding["lock"]["kind"])
        return told

    def ended(self, result):
        """The pid and the signal of each kind, as the parent saw them: it went on and reaped them all."""
        lines = re.findall(r"^(\w+) (\d+) (\d+)$", result.out, re.MULTILINE)
        return {kind: (int(pid), int(number)) for kind, pid, number in lines}

    def check(self, result, number):
        ended, told = self.ended(result), self.told()
        self.assertEqual(set(ended), set(KINDS), str(result))
        for kind, (verdict, rule, lock) in KINDS.items():
            with self.subTest(kind):
                pid, by = ended[kind]
                self.assertEqual(by, int(number), str(result))
                self.assertEqual(told[pid][:2], (verdict, rule))
                self.assertIn(lock, (None, told[pid][2]))
                self.assertRegex(result.err, rf"process {pid} \(.*\) is deadlocked: ")

    def test_every_kind_is_told_and_ended(self):
        result = self.run_it(program("standstill"))
        self.expect_code(result, 66)  # the barrier is a certain finding
        self.check(result, signal.SIGABRT)

    def test_a_run_without_a_certain_finding_ends_with_the_code_of_the_command(self):
        result = self.run_it("--fail-on", "never", "--on-deadlock", "kill", program("standstill"))
        self.expect_code(result, 0)
        self.check(result, signal.SIGKILL)

    def test_a_run_that_is_asked_to_end_tells_what_was_found(self):
        """As timeout(1) asks. The children are left, so main waits for them; it ends by the signal."""
        process = self.start("--on-deadlock", "report", program("standstill"))
        pids = {process.stderr.readline().split()[2] for _ in KINDS}
        self.assertEqual(len(pids), len(KINDS))
        process.send_signal(signal.SIGTERM)
        process.wait(harness.PATIENCE_S)
        for pid in pids:
            os.kill(int(pid), signal.SIGKILL)
        self.expect_code(self.finish(process), 66)
        self.assertEqual({str(pid) for pid in self.told()}, pids)


class Asked(harness.RunTest):
    """Who waits for a handler of SIGINT may do so on purpose: a note, no more, and none once it goes on."""

    def told(self):
        """By an off-line look at the trace, of a run that goes on."""
        read = subprocess.run([harness.AFTERFORK, "report", "--format", "json", self.trace()], capture_output=True, text=True,
                              env=self.environment, check=True)
        return json.loads(read.stdout)["findings"]

    def await_told(self, count):
        end = time.monotonic() + harness.PATIENCE_S
        while len(self.told()) != count and time.monotonic() < end:
            time.sleep(0.2)
        return self.told()

    def test_it_is_noted_left_alone_and_taken_back(self):
        started = time.monotonic()
        process = self.start(program("asked"))
        self.addCleanup(self.end_all, process)
        children = dict(process.stdout.readline().split() for _ in range(2))
        pids = [int(pid) for pid in children.values()]
        finding, = self.await_told(1)
        self.assertEqual((finding["verdict"], finding["rule"]), ("note", "other-deadlock"))
        self.assertIn("only its handler of a signal that asks it to end could end that", finding["message"])
        self.assertGreater(time.monotonic() - started, 11)
        pid = finding["process"]["pid"]
        self.assertEqual(pid, int(children["once"]))  # the other one may be waiting for a job
        self.assertEqual([harness.is_alive(each) for each in pids], [True, True])
        os.kill(pid, signal.SIGINT)
        self.assertEqual(process.stdout.readline(), "asked\n")
        self.assertEqual(self.await_told(0), [])
        for each in pids:
            os.kill(each, signal.SIGKILL)
        result = self.finish(process)
        self.expect_code(result, 0)
        self.assertNotIn("deadlocked", result.err)


if __name__ == "__main__":
    harness.main()
