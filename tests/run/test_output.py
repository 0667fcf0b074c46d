"""Where the trace goes, and what happens when it cannot go there."""

import json
import os
import shutil
import socket
import subprocess

import harness


class Output(harness.RunTest):
    def test_the_default_name_has_the_pid_that_the_caller_sees(self):
        result = self.run_it("true")
        self.expect_code(result, 0)
        self.assertEqual(self.traces(), [f"afterfork.{result.pid}"])

    def test_patterns(self):
        self.environment["JOB"] = "17"
        self.expect_code(self.run_it("-o", "t-%h-%q{JOB}-%%", "true"), 0)
        self.assertTrue(os.path.isfile(self.path(f"t-{socket.gethostname()}-17-%/run")))

    def test_the_folder_holds_trace_and_reports_for_this_user_only(self):
        self.expect_code(self.run_it("true", umask=0), 0)
        self.assertEqual(os.stat(self.trace()).st_mode & 0o7777, 0o700)
        names = os.listdir(self.trace())
        self.assertEqual(sorted(names), ["report.json", "report.txt", "run"])
        for name in names:
            self.assertEqual(os.stat(os.path.join(self.trace(), name)).st_mode & 0o7777, 0o600, name)

    def test_an_earlier_trace_is_replaced_only_by_force(self):
        self.expect_code(self.run_it("-o", "t", "sh", "-c", "exit 1"), 1)
        result = self.run_it("-o", "t", "sh", "-c", "touch started")
        self.expect_code(result, 125)
        self.assertEqual(result.err, f"afterfork: {self.path('t')} holds the trace of an earlier run; name another "
                                     "folder with -o, or replace it with --force\n")
        self.assertFalse(os.path.exists(self.path("started")))
        self.expect_code(self.run_it("-o", "t", "--force", "sh", "-c", "exit 2"), 2)

    def test_a_folder_with_other_files_is_never_touched(self):
        os.mkdir(self.path("mine"))
        with open(self.path("mine/file"), "w", encoding="utf-8") as file:
            file.write("precious")
        result = self.run_it("-o", "mine", "--force", "true")
        self.expect_code(result, 125)
        self.assertEqual(os.listdir(self.path("mine")), ["file"])

    def test_a_link_is_not_followed(self):
        os.mkdir(self.path("elsewhere"))
        os.symlink("elsewhere", self.path("t"))
        self.expect_code(self.run_it("-o", "t", "true"), 125)
        self.assertEqual(os.listdir(self.path("elsewhere")), [])

    def test_a_place_that_is_not_there(self):
        result = self.run_it("-o", "/proc/no/trace", "sh", "-c", "touch started")
        self.expect_code(result, 125)
        self.assertIn("the trace folder /proc/no/trace cannot be made", result.err)
        self.assertFalse(os.path.exists(self.path("started")))

    def test_an_unwritable_folder(self):
        os.mkdir(self.path("locked"), 0o555)
        result = self.run_unprivileged("-o", self.path("locked/t"), "true")
        self.expect_code(result, 125)
        self.assertIn("cannot be made: Permission denied; name another place with -o", result.err)

    def test_a_report_that_cannot_be_written_is_told_before_the_command_starts(self):
        result = self.run_it("--format", "text,json=no/r.json", "sh", "-c", "touch started")
        self.expect_code(result, 125)
        self.assertEqual(result.err, "afterfork: cannot write the json report to no/r.json: No such file or "
                                     "directory\n")
        self.assertFalse(os.path.exists(self.path("started")))
        self.assertEqual(self.traces(), [])

    def test_a_report_may_go_into_the_trace_folder(self):
        self.expect_code(self.run_it("-o", "t", "--format", "json=t/r.json", "true"), 0)
        self.assertIn("r.json", os.listdir(self.path("t")))

    def test_the_lowest_trace_limit_has_room_for_a_program(self):
        result = self.run_it("--trace-limit", "2M", harness.program("hang"), "wait")
        self.expect_code(result, 66)
        self.assertIn("held by thread", result.err)

    def test_a_file_size_limit_is_told_before_the_command_starts(self):
        result = self.run_it("sh", "-c", "touch started",
                             preexec_fn=lambda: __import__("resource").setrlimit(1, (4096, 4096)))
        self.expect_code(result, 125)
        self.assertIn("no room for a trace: File too large", result.err)
        self.assertFalse(os.path.exists(self.path("started")))
        self.assertEqual(self.traces(), [])

    def mount(self, size):
        place = self.path("disk")
        os.mkdir(place)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", place],
                                               check=False, stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("needs the right to mount a small file system")
        self.addCleanup(subprocess.run, ["umount", "-l", place], check=True)
        return place

    def test_a_disk_that_is_full_at_the_start(self):
        place = self.mount("16k")
        result = self.run_it("-o", f"{place}/t", "sh", "-c", "touch started")
        self.expect_code(result, 125)
        self.assertIn("no room for a trace: No space left on device", result.err)
        self.assertFalse(os.path.exists(self.path("started")))
        self.assertEqual(os.listdir(place), [])

    def test_a_disk_that_becomes_full_later(self):
        place = self.mount("256k")
        result = self.run_it("-o", f"{place}/t", "sh", "-c", f"cat /dev/zero >{place}/big; echo went on; exit 3")
        self.assertIn("went on\n", result.out)
        self.expect_code(result, 3)
        self.assertIn("the report cannot be written into", result.err)
        self.assertEqual(sorted(os.listdir(f"{place}/t")), ["run"])

    def test_a_trace_folder_that_the_command_removes(self):
        result = self.run_it("sh", "-c", "rm -r afterfork.*; exit 3")
        self.expect_code(result, 125)
        self.assertIn("afterfork", result.err)

    def test_the_current_folder_may_go_away(self):
        os.mkdir(self.path("gone"))
        result = self.run_it("-o", self.path("t"), "sh", "-c", "rmdir ../gone; exit 3", cwd=self.path("gone"))
        self.expect_code(result, 3)


class Library(harness.RunTest):
    def install(self, folder, library_folder):
        os.makedirs(os.path.join(folder, "bin"))
        os.makedirs(os.path.join(folder, library_folder))
        source = os.path.dirname(os.path.dirname(harness.AFTERFORK))
        shutil.copy(harness.AFTERFORK, os.path.join(folder, "bin"))
        shutil.copy(os.path.join(source, "lib/libafterfork.so"), os.path.join(folder, library_folder))
        return os.path.join(folder, "bin/afterfork")

    def run_installed(self, executable, *command):
        process = subprocess.Popen([executable, "run", *(command or ("sh", "-c", "exit 7"))], text=True,
                                   env=self.environment, cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        return self.finish(process)

    def test_it_is_found_beside_the_command(self):
        for number, library_folder in enumerate(("lib", "lib64", "lib/x86_64-linux-gnu")):
            executable = self.install(self.path(str(number)), library_folder)
            self.expect_code(self.run_installed(executable), 7)

    def test_it_is_found_through_a_link_to_the_command(self):
        executable = self.install(self.path("there"), "lib")
        os.symlink(executable, self.path("af"))
        self.expect_code(self.run_installed(self.path("af")), 7)

    def test_it_is_missed_with_a_clear_message(self):
        executable = self.install(self.path("there"), "lib")
        os.unlink(self.path("there/lib/libafterfork.so"))
        result = self.run_installed(executable)
        self.expect_code(result, 125)
        self.assertIn("libafterfork.so is not beside afterfork", result.err)

    def test_a_path_that_the_loader_would_split_is_linked_to(self):
        for folder in ("a b", "a:b", "a$LIB"):
            with self.subTest(folder=folder):
                executable = self.install(self.path(folder), "lib")
                result = self.run_installed(executable, "--format", f"json={self.path('report')}",
                                            "sh", "-c", "echo $LD_PRELOAD; exit 7")
                self.expect_code(result, 7)
                link = result.out.rstrip("\n")
                self.addCleanup(os.unlink, link)
                self.assertEqual(os.readlink(link), os.path.realpath(self.path(f"{folder}/lib/libafterfork.so")))
                with open(self.path("report"), encoding="utf-8") as file:
                    self.assertEqual(json.load(file)["summary"]["processes"], 1)


if __name__ == "__main__":
    harness.main()
