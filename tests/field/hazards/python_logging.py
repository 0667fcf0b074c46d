"""A thread logs into a pipe while multiprocessing forks a worker that logs too. The module logging makes its handlers'
locks anew in the child. The lock of the stream behind the handler stays as it was: io.BufferedWriter's."""

import logging
import multiprocessing
import os
import threading

CHUNK = 1 << 16


def sleeps_in_write(tid):
    with open(f"/proc/self/task/{tid}/syscall", encoding="ascii") as file:
        return file.read().startswith("1 ")


def main():
    reader, writer = os.pipe()
    log = logging.getLogger("service")
    log.addHandler(logging.StreamHandler(os.fdopen(writer, "w", buffering=1)))
    os.write(writer, b"." * CHUNK)  # the pipe is full: the next one who logs waits inside of write()
    chatty = threading.Thread(target=log.warning, args=("a request came",), name="chatty")
    chatty.start()
    while not sleeps_in_write(chatty.native_id):
        pass
    worker = multiprocessing.get_context("fork").Process(target=log.warning, args=("a worker began",))
    worker.start()
    while not os.read(reader, CHUNK).endswith(b"came\n"):  # room for everybody from now on
        pass
    chatty.join()
    worker.join()
    print("child ended with", worker.exitcode)


if __name__ == "__main__":
    main()
