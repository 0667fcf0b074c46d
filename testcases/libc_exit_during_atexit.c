/* A worker registers an exit function while main forks: the list has no room left, and libc allocates more
 * with the lock of the list held. The child calls exit(), which takes the lock to run the list.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "exit functions lock (atexit)"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=exit function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "malloc_gate.h"

static void nothing(int status, void *unused)
{
	(void)status;
	(void)unused;
}

static void worker_inside(void)
{
	gate_armed = 1;
	/* One block of the list has room for 32. */
	for (int i = 0; i < 40 && gate_armed; i++)
		CHECK(on_exit(nothing, NULL) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	exit(0);
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
