"""`cmake --install`: what is laid down, and that it works where it was put and where it was moved to."""

import os
import shutil
import subprocess

import harness


class Install(harness.RunTest):
    def installed(self, prefix):
        return sorted(os.path.relpath(os.path.join(folder, name), prefix)
                      for folder, _, names in os.walk(prefix) for name in names)

    def test_an_installation_may_be_moved(self):
        first, second = self.path("first"), self.path("second")
        done = subprocess.run([os.environ["CMAKE"], "--install", os.environ["BUILD"], "--prefix", first],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {os.path.basename(path): path for path in self.installed(first)}
        self.assertEqual(sorted(found), ["afterfork", "afterfork.1", "libafterfork.7", "libafterfork.so"])
        shutil.move(first, second)
        result = self.run_it(harness.program("hang"), command=os.path.join(second, found["afterfork"]))
        self.assertEqual(result.code, 66, result)
        self.assertIn("lock-held-by-vanished-thread", result.out)


if __name__ == "__main__":
    harness.main()
