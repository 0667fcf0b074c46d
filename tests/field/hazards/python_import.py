"""A thread is importing a module, this file, while main forks: the child, which imports it too, waits for the thread."""

import os
import sys
import threading

MAIN = sys.modules["__main__"]


def load():
    import python_import  # noqa: F401


def main():
    importer = threading.Thread(target=load, name="importer")
    importer.start()
    MAIN.inside.wait()
    pid = os.fork()
    if pid == 0:
        load()
        os._exit(0)
    print("child ended with", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    MAIN.go_on.set()
    importer.join()


if __name__ == "__main__":
    inside, go_on = threading.Event(), threading.Event()
    main()
else:
    MAIN.inside.set()
    MAIN.go_on.wait()
