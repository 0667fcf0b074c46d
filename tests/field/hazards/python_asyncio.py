"""A ThreadPoolExecutor that a forked child inherits: its event loop waits in epoll_wait() for the thread that stayed in the parent."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from threading import get_native_id

from python_executor import sleeps_without_limit


async def ask(pool):
    return await asyncio.get_running_loop().run_in_executor(pool, get_native_id)


def main():
    pool = ThreadPoolExecutor(1)
    worker = pool.submit(get_native_id).result()
    while not sleeps_without_limit(worker):
        pass
    pid = os.fork()
    if pid == 0:
        asyncio.run(ask(pool))
        os._exit(0)
    print("child ended with", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
