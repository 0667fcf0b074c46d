"""On a terminal: keys, job control, the terminal itself. A small job-control shell starts afterfork; the test holds
the terminal's other end."""

import os
import pty
import re
import select
import signal
import socket
import sys

import harness
from harness import AFTERFORK, is_alive, process_state, program

INTERRUPT, QUIT, SUSPEND = b"\x03", b"\x1c", b"\x1a"


class Terminal(harness.RunTest):
    def start_job(self, *command):
        ours, theirs = socket.socketpair()
        self.control = ours.makefile("r")
        self.control_socket = ours
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.dup2(theirs.fileno(), 3)
            shell = os.path.join(os.path.dirname(os.path.abspath(__file__)), "job_shell.py")
            os.execve(sys.executable, [sys.executable, "-B", shell, *command], self.environment)
        theirs.close()
        self.shell = pid
        self.addCleanup(self.end_shell)
        self.seen = ""

    def end_shell(self):
        self.control.close()
        self.control_socket.close()
        os.close(self.terminal)
        os.kill(self.shell, signal.SIGKILL)
        os.waitpid(self.shell, 0)

    def press(self, key):
        os.write(self.terminal, key)

    def expect_output(self, pattern):
        while not (found := re.search(pattern, self.seen)):
            readable, _, _ = select.select([self.terminal], [], [], harness.PATIENCE_S)
            self.assertTrue(readable, f"no {pattern!r} in {self.seen!r}")
            try:
                data = os.read(self.terminal, 4096)
            except OSError:
                data = b""
            self.assertTrue(data, f"no {pattern!r} in {self.seen!r}")
            self.seen += data.decode()
        return found

    def expect_told(self, line):
        readable, _, _ = select.select([self.control_socket], [], [], harness.PATIENCE_S)
        self.assertTrue(readable, f"the job is not {line!r}; its output: {self.seen!r}")
        self.assertEqual(self.control.readline(), line + "\n")

    def continue_job(self):
        self.control_socket.sendall(b"g")
        self.expect_told("continued")

    def start_catcher(self):
        self.start_job(AFTERFORK, "run", "-q", "--format", "json=report", program("catch"))
        pid = int(self.expect_output(r"ready pid=(\d+)")[1])
        self.addCleanup(self.end_quietly, pid)
        return pid

    @staticmethod
    def end_quietly(pid):
        """The catcher survives its terminal: a test that failed must not leave it behind."""
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)

    def end_catcher(self, pid):
        os.kill(pid, signal.SIGTERM)
        self.expect_output(rf"got {int(signal.SIGTERM)}\r\n")
        self.expect_told("ended 5")

    def test_keys_reach_the_command_once_and_leave_afterfork_alive(self):
        pid = self.start_catcher()
        self.press(INTERRUPT)
        self.expect_output(rf"got {int(signal.SIGINT)}\r\n")
        self.press(QUIT)
        self.expect_output(rf"got {int(signal.SIGQUIT)}\r\n")
        self.end_catcher(pid)
        self.assertEqual(self.seen.count("got "), 3)

    def test_interrupt_ends_the_command_and_the_report_is_printed(self):
        self.start_job(AFTERFORK, "run", "sh", "-c", "echo ready; exec sleep 1000")
        self.expect_output("ready")
        self.press(INTERRUPT)
        self.expect_output("no hazards found")
        self.expect_told(f"ended {128 + signal.SIGINT}")

    def test_suspend_and_continue_again_and_again(self):
        pid = self.start_catcher()
        for _ in range(3):
            self.press(SUSPEND)
            self.expect_told(f"stopped {int(signal.SIGTSTP)}")
            self.assertEqual(process_state(pid), "T")
            self.continue_job()
            self.press(INTERRUPT)
            self.expect_output(rf"got {int(signal.SIGINT)}\r\n")
            self.seen = ""
        self.end_catcher(pid)

    def test_a_command_that_stops_itself_stops_the_job(self):
        self.start_job(AFTERFORK, "run", "-q", "--format", "json=report", "sh", "-c", "kill -STOP $$; exit 6")
        self.expect_told(f"stopped {int(signal.SIGSTOP)}")
        self.continue_job()
        self.expect_told("ended 6")

    def test_a_command_that_does_not_want_to_stop_goes_on(self):
        self.start_job(AFTERFORK, "run", "-q", "--format", "json=report", "sh", "-c",
                       "trap '' TSTP; echo ready; read line; echo read: $line; exit 6")
        self.expect_output("ready")
        self.press(SUSPEND)
        self.press(b"word\n")
        self.expect_output("read: word")
        self.expect_told("ended 6")

    def test_the_command_reads_from_the_terminal(self):
        self.start_job(AFTERFORK, "run", "-q", "--format", "json=report", "sh", "-c",
                       "test -t 0 && test -t 1 && test -t 2 && read word </dev/tty && echo got: $word")
        self.press(b"hello\n")
        self.expect_output("got: hello")
        self.expect_told("ended 0")

    def test_a_command_that_takes_the_terminal_for_itself(self):
        """As an interactive shell does. Left in another group's hands, the report is written all the same."""
        take = ("import os, signal; signal.signal(signal.SIGTTOU, signal.SIG_IGN); os.setpgid(0, 0);"
                "os.tcsetpgrp(0, os.getpgrp()); os.system('stty tostop')")
        self.start_job(AFTERFORK, "run", sys.executable, "-c", take)
        self.expect_output("no hazards found")
        self.expect_told("ended 0")


if __name__ == "__main__":
    harness.main()
