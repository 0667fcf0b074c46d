/* A worker starts a command by popen() while main forks: earlier streams have to be closed in the new
 * process, and libc allocates for that with the lock of the list held. The child starts a command too.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "list of popen streams lock (popen)"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=popen function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 * needs: glibc < 2.41
 */
#include "malloc_gate.h"

static void worker_inside(void)
{
	/* The stream, the list of what to close, and the list again once that has outgrown its eight places.
	 */
	gate_armed = 3;
	CHECK(popen("true", "r") != NULL);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	CHECK(popen("true", "r") != NULL);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	for (int i = 0; i < 12; i++)
		CHECK(popen("true", "r") != NULL);
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
