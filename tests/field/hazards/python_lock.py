"""A thread holds a threading.Lock while multiprocessing forks a worker that wants it."""

import multiprocessing
import threading

cache_lock = threading.Lock()
held, release = threading.Event(), threading.Event()


def fill():
    with cache_lock:
        held.set()
        release.wait()


def work():
    with cache_lock:
        pass


def main():
    filler = threading.Thread(target=fill, name="filler")
    filler.start()
    held.wait()
    worker = multiprocessing.get_context("fork").Process(target=work)
    worker.start()
    worker.join()
    print("child ended with", worker.exitcode)
    release.set()
    filler.join()


if __name__ == "__main__":
    main()
