"""A small service, as many are: a thread logs into an SQLite database, and work is done in processes that multiprocessing
forks. No connection crosses a fork: each worker opens its own, as SQLite's documentation asks for. It hangs all the same,
now and then: SQLite guards its memory accounting by one mutex of the process.

usage: sqlite_service.py WORKERS PATIENCE_S

Starts workers one after the other until one does not end well, and says which and how.
"""

import multiprocessing
import sqlite3
import sys
import threading


def write_log(stopped):
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.execute("create table log (number, text)")
    number = 0
    while not stopped.is_set():
        database.execute("insert into log values (?, ?)", (number, "something happened"))
        database.execute("select count(distinct upper(text) || number) from log where number > ?",
                         (number - 1000,)).fetchall()
        number += 1


def work():
    sqlite3.connect(":memory:").execute("select 1").fetchall()


def serve(workers, patience_s):
    context = multiprocessing.get_context("fork")
    for number in range(1, workers + 1):
        worker = context.Process(target=work)
        worker.start()
        worker.join(patience_s)
        if worker.exitcode is None:
            worker.kill()
            return f"worker {number} hung"
        if worker.exitcode:
            return f"worker {number} ended with {worker.exitcode}"
    return f"all {workers} workers ended well"


def main():
    stopped = threading.Event()
    logger = threading.Thread(target=write_log, args=(stopped,))
    logger.start()
    try:
        print(serve(int(sys.argv[1]), float(sys.argv[2])))
    finally:
        stopped.set()
        logger.join()


if __name__ == "__main__":
    main()
