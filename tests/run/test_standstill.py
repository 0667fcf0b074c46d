"""Of each kind of wait that nobody is left to end: it is told, and its process does not hang for ever."""

import os
import re
import signal

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


if __name__ == "__main__":
    harness.main()
