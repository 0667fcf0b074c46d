"""What cannot be covered is refused before it starts, with the reason."""

import os
import shutil
import subprocess

import harness
from harness import program

CLASS_OFFSET, MACHINE_OFFSET = 4, 18


class Targets(harness.RunTest):
    def refused(self, *command, reason):
        result = self.run_it(*command)
        self.expect_code(result, 125)
        self.assertIn(reason, result.err)
        self.assertEqual(result.out, "")
        self.assertEqual(self.traces(), [])

    def patched(self, name, offset, value):
        shutil.copy(program("alone"), self.path(name))
        with open(self.path(name), "r+b") as file:
            file.seek(offset)
            file.write(value)
        return "./" + name

    def test_a_static_program(self):
        with open(self.path("static.c"), "w", encoding="utf-8") as file:
            file.write("int main(void) { return 0; }\n")
        compiler = os.environ.get("CC", "cc")
        if subprocess.run([compiler, "-static", "-o", "static", "static.c"], cwd=self.folder, check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no static C library here")
        self.refused("./static", reason="./static is statically linked, so no library can be loaded into it")
        with open(self.path("script"), "w", encoding="utf-8") as file:
            file.write("#!./static\n")
        os.chmod(self.path("script"), 0o755)
        self.refused("./script", reason="./static is statically linked")

    def test_another_architecture(self):
        self.refused(self.patched("arm", MACHINE_OFFSET, b"\xb7\0"), reason="./arm is made for another processor")

    def test_another_word_size(self):
        self.refused(self.patched("small", CLASS_OFFSET, b"\1"), reason="./small is a 32-bit program")

    def test_another_c_library(self):
        with open(program("alone"), "rb") as file:
            content = file.read()
        interpreter = b"/lib64/ld-linux-x86-64.so.2\0"
        self.assertEqual(content.count(interpreter), 1)
        with open(self.path("musl"), "wb") as file:
            file.write(content.replace(interpreter, b"/lib/ld-musl-x86_64.so.1\0\0\0\0"))
        os.chmod(self.path("musl"), 0o755)
        self.refused("./musl", reason="./musl uses musl, and the library is made for glibc")

    def test_a_set_user_id_program(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a file to another user")
        shutil.copy(program("alone"), self.path("other"))
        os.chown(self.path("other"), 65534, 65534)
        os.chmod(self.path("other"), 0o4755)
        self.refused("./other", reason="./other gains privileges when it starts (set-user-ID)")

    def test_file_capabilities(self):
        setcap = shutil.which("setcap", path=os.environ.get("PATH", "") + ":/sbin:/usr/sbin")
        if os.geteuid() != 0 or not setcap:
            self.skipTest("only root can give capabilities, by setcap")
        shutil.copy(program("alone"), self.path("capable"))
        if subprocess.run([setcap, "cap_net_raw+ep", self.path("capable")], check=False).returncode != 0:
            self.skipTest("this file system keeps no capabilities")
        result = self.run_unprivileged(self.path("capable"))
        self.expect_code(result, 125)
        self.assertIn("gains privileges when it starts (file capabilities)", result.err)

    def test_an_interpreter_that_is_missing(self):
        with open(self.path("script"), "w", encoding="utf-8") as file:
            file.write("#!/nowhere/perl\n")
        os.chmod(self.path("script"), 0o755)
        result = self.run_it("./script")
        self.expect_code(result, 127)
        self.assertIn("./script: its interpreter /nowhere/perl cannot be run", result.err)


if __name__ == "__main__":
    harness.main()
