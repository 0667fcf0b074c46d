"""Exit codes, output and the environment of a command under `afterfork run`."""

import json
import os
import signal

import harness
from harness import AFTERFORK, program


class ExitCodes(harness.RunTest):
    def test_the_commands_own_code(self):
        for code in (0, 1, 65, 66, 125, 255):
            self.expect_code(self.run_it("sh", "-c", f"exit {code}"), code)

    def test_a_signal_that_ended_the_command(self):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGUSR1):
            self.expect_code(self.run_it("sh", "-c", f"kill -{int(number)} $$"), 128 + number)

    def test_a_command_that_is_missing(self):
        result = self.run_it("no-such-command")
        self.expect_code(result, 127)
        self.assertEqual(result.err,
                         "afterfork: no-such-command: no such command in PATH; check the name, or give a path\n")
        self.assertEqual(self.traces(), [])

    def test_a_file_that_is_not_executable(self):
        with open(self.path("data"), "w", encoding="utf-8") as file:
            file.write("data")
        result = self.run_it("./data")
        self.expect_code(result, 126)
        self.assertIn("./data cannot be executed: Permission denied", result.err)
        self.assertEqual(self.traces(), [])

    def test_a_finding_gives_the_error_code(self):
        self.expect_code(self.run_it(program("hang"), "wait"), 66)
        self.expect_code(self.run_it("--error-exitcode", "7", program("hang"), "wait"), 7)

    def test_a_finding_below_fail_on_gives_the_commands_code(self):
        self.expect_code(self.run_it("--fail-on", "never", program("hang"), "wait"), 3)

    def test_an_error_code_of_zero_stands_for_the_commands_own(self):
        self.expect_code(self.run_it("--error-exitcode", "0", program("hang"), "wait"), 3)

    def test_wrong_use_is_125_and_starts_nothing(self):
        for arguments in ([], ["--no-such-option", "true"], ["--format", "nonsense", "true"],
                          ["--on-deadlock", "dance", "true"], ["--suppressions", "missing", "true"],
                          ["-o", "%x", "true"], ["--library", "missing.so", "true"]):
            result = self.run_it(*arguments)
            self.expect_code(result, 125)
            self.assertEqual(result.err.count("\n"), 1, result.err)
            self.assertEqual(result.out, "")
            self.assertEqual(self.traces(), [])

    def test_options_from_the_environment(self):
        self.environment["AFTERFORK_OPTIONS"] = "error-exitcode=9 format=json"
        result = self.run_it(program("hang"), "wait")
        self.expect_code(result, 9)

    def test_a_command_that_never_loads_the_library_is_not_called_clean(self):
        with open(self.path("fake.so"), "w", encoding="utf-8") as file:
            file.write("no library")
        result = self.run_it("--library", "fake.so", "true")
        self.expect_code(result, 125)
        self.assertIn("ran without the library, so nothing was watched", result.err)
        self.assertEqual(result.out, "")


class Surroundings(harness.RunTest):
    def test_streams_pass_through_untouched(self):
        with open(self.path("in"), "w+", encoding="utf-8") as file:
            file.write("to stdin")
            file.seek(0)
            result = self.run_it("-q", "--format", "json=report", "sh", "-c", "cat; echo to stderr >&2", stdin=file)
        self.expect_code(result, 0)
        self.assertEqual(result.out, "to stdin")
        self.assertEqual(result.err, "to stderr\n")

    def test_no_descriptor_of_afterfork_is_inherited(self):
        result = self.run_it("-q", "--format", "json=report", "sh", "-c", "ls -l /proc/self/fd | grep -c afterfork.")
        self.assertEqual(result.out, "0\n")

    def test_closed_streams_stay_closed_and_do_no_harm(self):
        def close():
            for number in (0, 1, 2):
                os.close(number)

        script = "for fd in 0 1 2; do test -e /proc/self/fd/$fd && exit 9; done; exit 4"
        result = self.run_it("sh", "-c", script, preexec_fn=close)
        self.expect_code(result, 4)
        self.assertEqual(result.out + result.err, "")
        self.assertEqual(self.stored_report()["exit"], {"code": 4, "signal": 0})

    def test_arguments_and_names_arrive_as_given(self):
        result = self.run_it("-q", "--format", "json=report", "--", "sh", "-c", 'printf "%s|" "$0" "$@"', "a b", "",
                             "--", "-o")
        self.assertEqual(result.out, "a b||--|-o|")

    def test_what_was_preloaded_before_stays_behind_the_library(self):
        self.environment["LD_PRELOAD"] = "libm.so.6"
        self.environment["ASAN_OPTIONS"] = "verify_asan_link_order=0"
        result = self.run_it("-q", "--format", "json=report", "sh", "-c", "echo $LD_PRELOAD; echo $ASAN_OPTIONS")
        library, separator, rest = result.out.partition(":")
        # The library itself, or a link to it: see test_output.py.
        self.assertTrue(os.path.samefile(library, os.path.join(os.path.dirname(AFTERFORK), "../lib/libafterfork.so")))
        self.assertEqual(separator + rest, ":libm.so.6\nverify_asan_link_order=0\n")

    def test_options_for_the_address_sanitizer_are_added_to(self):
        self.environment["ASAN_OPTIONS"] = "color=never"
        result = self.run_it("-q", "--format", "json=report", "sh", "-c", "echo $ASAN_OPTIONS")
        self.assertEqual(result.out, "color=never:verify_asan_link_order=0\n")

    def test_a_text_without_an_interpreter_line_is_for_the_shell(self):
        with open(self.path("script"), "w", encoding="utf-8") as file:
            file.write("echo shell: $1; exit 6\n")
        os.chmod(self.path("script"), 0o755)
        result = self.run_it("-q", "--format", "json=report", "./script", "word")
        self.expect_code(result, 6)
        self.assertEqual(result.out, "shell: word\n")

    def test_the_trace_names_the_command_and_how_it_ended(self):
        self.expect_code(self.run_it("sh", "-c", "exit 4"), 4)
        report = self.stored_report()
        self.assertEqual(report["command"], ["sh", "-c", "exit 4"])
        self.assertEqual(report["exit"], {"code": 4, "signal": 0})

    def test_the_report_goes_where_it_was_asked_for(self):
        result = self.run_it("--format", "json=out.json,text=out.txt", program("hang"), "wait")
        self.expect_code(result, 66)
        with open(self.path("out.json"), encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual(report["summary"]["certain"], 1)
        self.assertEqual(report, self.stored_report())
        with open(self.path("out.txt"), encoding="utf-8") as file:
            self.assertIn("CERTAIN", file.read())
        self.assertNotIn("CERTAIN", result.out)


if __name__ == "__main__":
    harness.main()
