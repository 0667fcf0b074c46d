"""The tree of processes: what outlives the command, and whom afterfork waits for."""

import os
import shlex
import signal
import subprocess
import sys

import harness
from harness import AFTERFORK, is_alive, program


class Tree(harness.RunTest):
    def start_daemon(self, *options):
        """The daemon lives until this test closes self.end. Returns the run and the daemon's pid."""
        theirs, self.end = os.pipe()

        def prepare():
            os.dup2(theirs, 3)
            os.set_inheritable(3, True)

        process = self.start(*options, program("alone"), preexec_fn=prepare, close_fds=False)
        os.close(theirs)
        self.addCleanup(self.close_end)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process, int(process.stdout.readline())

    def close_end(self):
        if self.end is not None:
            os.close(self.end)
            self.end = None

    def test_a_daemon_that_stays_is_named_and_not_waited_for(self):
        process, daemon = self.start_daemon()
        self.assertEqual(process.wait(harness.PATIENCE_S), 4)
        self.assertRegex(process.stderr.read(),
                         rf"^afterfork: 1 process of the command is still running, unwatched from here on: {daemon} "
                         r"\(.*/alone\) \(to wait for them: --wait-for all\)\n$")
        self.assertTrue(is_alive(daemon))

    def test_waiting_for_all(self):
        process, daemon = self.start_daemon("--wait-for", "all")
        # The command's own child is reaped by afterfork, which goes on.
        self.assertTrue(is_alive(daemon))
        self.assertIsNone(process.poll())
        self.close_end()
        self.assertEqual(process.wait(harness.PATIENCE_S), 4)
        self.assertEqual(process.stderr.read(), "")

    def test_waiting_ends_on_a_signal(self):
        process, daemon = self.start_daemon("--wait-for", "all")
        parent = None
        while parent != process.pid:
            with open(f"/proc/{daemon}/stat", encoding="ascii") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(harness.PATIENCE_S), 4)
        self.assertIn(f"still running, unwatched from here on: {daemon} (", process.stderr.read())

    def test_a_daemon_that_ends_ends_the_run_at_once(self):
        result = self.run_it("sh", "-c", "(exec </dev/null >/dev/null 2>&1; true) & exit 4")
        self.expect_code(result, 4)
        self.assertEqual(result.err, "")

    def test_children_from_before_are_not_waited_for(self):
        """A shell that executes afterfork leaves its own children to it."""
        script = f"sleep 1000 & echo $! >older; exec {shlex.quote(AFTERFORK)} run --wait-for all sh -c 'exit 4'"
        process = subprocess.Popen(["sh", "-c", script], env=self.environment, cwd=self.folder, text=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.assertEqual(process.wait(harness.PATIENCE_S), 4)
        with open(self.path("older"), encoding="ascii") as file:
            older = int(file.read())
        self.assertTrue(is_alive(older))
        os.kill(older, signal.SIGKILL)
        self.assertEqual(process.stderr.read(), "")

    def test_every_process_is_counted(self):
        self.expect_code(self.run_it("sh", "-c", "true | sh -c 'cat; exit 0' | cat"), 0)
        # The shell, three parts of the pipeline and the cat in it.
        self.assertGreaterEqual(self.stored_report()["summary"]["processes"], 5)

    def test_as_the_first_process_of_a_pid_namespace(self):
        command = ["unshare", "--pid", "--fork", "--mount-proc", AFTERFORK, "run", "-o", "t", program("hang"), "orphan"]
        if os.geteuid() != 0 or subprocess.run(command[:4] + ["true"], check=False,
                                               stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("needs the right to make a pid namespace")
        result = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True,
                                timeout=harness.PATIENCE_S, check=False)
        self.assertEqual(result.returncode, 66, result.stderr)
        self.assertIn("is deadlocked", result.stderr)

    def test_watching_costs_next_to_nothing(self):
        """CPU time of the supervisor itself over a command that runs for two seconds."""
        script = ("import os, subprocess, sys;"
                  "p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL); p.stdin;"
                  "_, status, usage = os.wait4(p.pid, 0);"
                  "print(usage.ru_utime + usage.ru_stime)")
        out = subprocess.run([sys.executable, "-c", script, AFTERFORK, "run", "sleep", "2"], env=self.environment,
                             cwd=self.folder, capture_output=True, text=True, check=True).stdout
        # Start, report and end included; a loop that polls would take seconds.
        self.assertLess(float(out), 0.5)


class Sanitizers(harness.RunTest):
    def build(self, *options):
        with open(self.path("prog.c"), "w", encoding="utf-8") as file:
            file.write("int main(void) { return 6; }\n")
        if subprocess.run([os.environ.get("CC", "cc"), *options, "-o", "prog", "prog.c"], cwd=self.folder, check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("this compiler has no such sanitizer")

    def test_a_program_with_the_shared_address_sanitizer(self):
        self.build("-fsanitize=address")
        result = self.run_it("./prog")
        self.expect_code(result, 6)
        self.assertEqual(result.err, "")

    def test_the_same_deep_in_the_tree(self):
        self.build("-fsanitize=address")
        result = self.run_it("sh", "-c", "true; ./prog")
        self.expect_code(result, 6)

    def test_a_program_with_the_thread_sanitizer(self):
        self.build("-fsanitize=thread")
        self.expect_code(self.run_it("./prog"), 6)


if __name__ == "__main__":
    harness.main()
