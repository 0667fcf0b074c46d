"""What the start and the end of a program without threads cost, counted, not timed."""

import os
import subprocess
from pathlib import Path

import harness
from harness import program

# Of both the loader itself takes more than half. With glibc 2.36 it was 62,000 and 15 when this was written.
INSTRUCTIONS_MAX, SYSTEM_CALLS_MAX = 150_000, 20


class Start(harness.RunTest):
    def test_a_start_adds_little(self):
        library = Path(os.environ["BUILD"]) / "lib/libafterfork.so"
        done = subprocess.run([program("start_cost"), library], cwd=self.folder, capture_output=True,
                              text=True, timeout=300, check=False)
        if done.returncode == 77:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        added = {name: int(value) for name, value in map(str.split, done.stdout.splitlines())}
        self.assertLess(added["instructions"], INSTRUCTIONS_MAX)
        self.assertLess(added["system_calls"], SYSTEM_CALLS_MAX)
        self.assertGreater(added["system_calls"], 0, "was the library loaded?")
        self.assertEqual(self.traces(), [])


if __name__ == "__main__":
    harness.main()
