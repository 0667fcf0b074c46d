/* A worker starts an asynchronous read while main forks; the child starts one too.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "asynchronous I/O lock (aio_read)"
 *   holder: acquired_at=start_read<worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=aio_read function=start_read<child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include <aio.h>
#include "malloc_gate.h"

static void start_read(void)
{
	static char byte;
	static struct aiocb request;

	request = (struct aiocb){.aio_buf = &byte, .aio_nbytes = 1};
	request.aio_fildes = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	CHECK(request.aio_fildes >= 0);
	CHECK(aio_read(&request) == 0);
}

static void worker_inside(void)
{
	gate_armed = 1;
	start_read();
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	start_read();
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_work();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	gate_check();
	return 0;
}
