"""A wrapped program behaves as unwrapped: same output, same exit code, same errno, same view of itself."""

import itertools
import sys
import tempfile
import unittest
from pathlib import Path

import wrapped

WAYS = ("return", "exit", "_exit", "quick_exit", "abort", "segv", "term", "kill", "pthread_exit", "thread")
THREADED_PYTHON = """
import subprocess, threading
lock = threading.Lock()
def work():
    for _ in range(1000):
        with lock:
            pass
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]
print(subprocess.run(['sh', '-c', 'echo from the shell; exit 3'], capture_output=True))
[t.join() for t in threads]
raise SystemExit(9)
"""


class Transparency(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.base = tempfile.TemporaryDirectory(prefix="afterfork-bad-input-")
        self.addCleanup(self.base.cleanup)
        self.folder = Path(self.base.name) / "program"
        self.folder.mkdir()

    def compare(self, *command, data=b""):
        bare = wrapped.plain(command, self.folder, data)
        for name, runner in (("afterfork run", wrapped.supervised), ("LD_PRELOAD", wrapped.preloaded)):
            with self.subTest(command=[str(word) for word in command], wrapped_by=name):
                got = runner(command, self.folder, data)
                self.assertEqual(got.out.decode(errors="backslashreplace"),
                                 bare.out.decode(errors="backslashreplace"))
                self.assertEqual(got.error.decode(), bare.error.decode())
                self.assertEqual(got.code, bare.code)
                self.assertEqual(list(self.folder.iterdir()), [])
        return bare

    def test_a_process_sees_the_same_of_itself(self):
        bare = self.compare(wrapped.PROGRAMS / "observe_process", "one", "two words", "")
        self.assertIn(b"threads: 1\n", bare.out)

    def test_calls_return_the_same_and_leave_the_same_errno(self):
        bare = self.compare(wrapped.PROGRAMS / "observe_errno")
        self.assertEqual(bare.code, 0)
        for where in (b"one thread", b"two threads", b"its child", b"their child"):
            self.assertIn(where + b": pthread_mutex_lock(&mutex) = 0, errno 4242\n", bare.out)

    def test_threads_see_the_same_of_themselves(self):
        bare = self.compare(wrapped.PROGRAMS / "observe_threads")
        self.assertIn(b"interrupted and locked", bare.out)

    def test_a_sandbox_meets_the_same_system_calls(self):
        bare = self.compare(wrapped.PROGRAMS / "observe_sandbox")
        self.assertEqual([line for line in bare.out.decode().splitlines() if not line.endswith(": 0")], [])

    def test_every_way_to_end_in_parent_and_child(self):
        for child, parent in itertools.chain(zip(WAYS, WAYS), (("_exit", "exit"), ("exit", "_exit"))):
            self.compare(wrapped.PROGRAMS / "observe_exit", child, parent)

    def test_other_programs(self):
        self.compare("sh", "-c", "echo out; echo error >&2; (exit 4) | cat; exit 3")
        self.compare("sh", "-c", "kill -TERM $$")
        self.compare("cat", data=bytes(range(256)) * 1000)
        bare = self.compare(sys.executable, "-c", THREADED_PYTHON)
        self.assertEqual(bare.code, 9)


if __name__ == "__main__":
    unittest.main()
