"""A CPython program with threads, for the benchmark: a queue between threads, a shared lock, logging.
One operation is an item that went through. CPython's Lock is a semaphore, but the interpreter itself (the GIL, the
allocator's arenas, module locks) takes mutexes and waits on condition variables."""

import io
import logging
import os
import queue
import threading
import time

ITEMS = 300 if "BENCH_QUICK" in os.environ else 20000
CONSUMERS = 3


def consume(items, lock, totals, log):
    while (item := items.get()) is not None:
        with lock:
            totals[item % 16] = totals.get(item % 16, 0) + item
        if item % 16 == 0:
            log.info("item %d, total %d", item, totals[item % 16])


def run(log):
    items, lock, totals = queue.Queue(maxsize=64), threading.Lock(), {}
    threads = [
        threading.Thread(target=consume, args=(items, lock, totals, log))
        for _ in range(CONSUMERS)
    ]
    before_ns = time.monotonic_ns()
    for thread in threads:
        thread.start()
    for item in range(ITEMS):
        items.put(item)
    for _ in threads:
        items.put(None)
    for thread in threads:
        thread.join()
    took_ns = time.monotonic_ns() - before_ns
    assert sum(totals.values()) == ITEMS * (ITEMS - 1) // 2
    return took_ns


def main():
    log = logging.getLogger("bench")
    log.addHandler(logging.StreamHandler(io.StringIO()))
    log.setLevel(logging.INFO)
    took_ns = sorted(run(log) for _ in range(3))[1]
    print(f"ns_per_op {took_ns / ITEMS:.3f}")
    with open("/proc/self/status", encoding="ascii") as status:
        peak = next(line for line in status if line.startswith("VmHWM"))
    print(f"peak_rss_kib {peak.split()[1]}")
    with open("/proc/self/maps", encoding="utf-8") as maps:
        modules = maps.read()
    for library in ("libafterfork.so", "libpassthrough.so"):
        if library in modules:
            print(f"preload {library}")


main()
