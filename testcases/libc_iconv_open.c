/* A worker opens a character conversion while main forks; the child opens one too.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "character conversion lock (iconv_open)"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=iconv_open function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include <iconv.h>
#include "malloc_gate.h"

static void worker_inside(void)
{
	/* The first four prepare the names, without the lock. */
	gate_armed = 5;
	CHECK(iconv_open("UTF-16", "ISO-8859-1") != (iconv_t)-1);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	CHECK(iconv_open("UTF-16", "ISO-8859-1") != (iconv_t)-1);
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
