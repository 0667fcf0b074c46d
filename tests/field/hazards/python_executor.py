"""A ThreadPoolExecutor that a forked child inherits: its thread stayed in the parent, and the future never gets its result."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import get_native_id

FUTEX = "202"


def sleeps_without_limit(tid):
    """The thread waits for its next job; for the interpreter's own lock it waits with a time limit."""
    with open(f"/proc/self/task/{tid}/syscall", encoding="ascii") as file:
        words = file.read().split()
    return words[0] == FUTEX and words[4] == "0x0"


def main():
    pool = ThreadPoolExecutor(1)
    worker = pool.submit(get_native_id).result()
    while not sleeps_without_limit(worker):
        pass
    pid = os.fork()
    if pid == 0:
        pool.submit(get_native_id).result()
        os._exit(0)
    print("child ended with", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
