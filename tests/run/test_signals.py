"""Signals reach the command as if afterfork were not there, and afterfork survives them."""

import ctypes
import os
import signal

import harness
from harness import program


class Signals(harness.RunTest):
    def start_catcher(self, **more):
        process = self.start("-q", "--format", "json=report", program("catch"), **more)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        words = process.stdout.readline().split()
        self.assertEqual(words[0], "ready")
        self.found = dict(word.split("=") for word in words[1:])
        return process

    def end(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        self.assertEqual(process.stdout.readline(), f"got {int(number)}\n")
        self.assertEqual(process.stdout.read(), "")
        self.assertEqual(process.stderr.read(), "")
        self.assertEqual(process.wait(harness.PATIENCE_S), 5)

    def test_what_is_sent_to_afterfork_reaches_the_command_once(self):
        process = self.start_catcher()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
                       signal.SIGPIPE, signal.SIGWINCH, signal.SIGPWR, signal.SIGXCPU, signal.SIGRTMIN + 3):
            process.send_signal(number)
            self.assertEqual(process.stdout.readline(), f"got {int(number)}\n")
        self.end(process)

    def test_values_of_queued_signals_are_kept(self):
        process = self.start_catcher()
        libc = ctypes.CDLL(None, use_errno=True)
        libc.sigqueue.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
        self.assertEqual(libc.sigqueue(process.pid, int(signal.SIGUSR1), 42), 0)
        self.assertEqual(process.stdout.readline(), f"got {int(signal.SIGUSR1)} value=42\n")
        self.end(process)

    def test_the_command_shares_the_process_group(self):
        process = self.start_catcher()
        self.assertEqual(int(self.found["group"]), os.getpgid(process.pid))
        self.end(process)

    def test_dispositions_and_mask_are_those_of_the_caller(self):
        def prepare():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])

        process = self.start_catcher(preexec_fn=prepare)
        self.assertEqual(self.found["hangup_ignored"], "1")
        self.assertEqual(self.found["user2_blocked"], "1")
        self.end(process)

    def test_nothing_is_left_ignored_or_blocked(self):
        process = self.start_catcher()
        self.assertEqual(self.found["hangup_ignored"], "0")
        self.assertEqual(self.found["user2_blocked"], "0")
        self.end(process)

    def test_a_signal_that_ends_the_command_ends_the_run(self):
        process = self.start("sleep", "1000")
        while b"sleep" not in self.command_name(process.pid):
            pass
        process.send_signal(signal.SIGTERM)
        self.expect_code(self.finish(process), 128 + signal.SIGTERM)

    def command_name(self, pid):
        """The name of the child of pid, once there is one."""
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = file.read().split()
        if not children:
            return b""
        with open(f"/proc/{children[0]}/comm", "rb") as file:
            return file.read()

    def test_what_the_tree_sends_to_its_own_group_is_not_doubled(self):
        script = ('trap "echo term" TERM; trap "echo user" USR1; kill -USR1 0; kill -TERM 0; echo end')
        result = self.run_it("-q", "--format", "json=report", "sh", "-c", script, start_new_session=True)
        self.expect_code(result, 0)
        self.assertEqual(result.out, "user\nterm\nend\n")

    def test_a_killed_supervisor_leaves_a_readable_trace(self):
        process = self.start(program("hang"), "quiet")
        process.stdout.readline()
        process.kill()
        process.communicate(timeout=harness.PATIENCE_S)
        import subprocess
        read = subprocess.run([harness.AFTERFORK, "report", self.trace()], capture_output=True, text=True,
                              env=self.environment, check=False)
        self.assertEqual(read.returncode, 0, read.stderr)
        self.assertIn("no hazards found", read.stdout)


if __name__ == "__main__":
    harness.main()
