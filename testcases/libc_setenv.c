/* A worker is inside setenv(), which holds the lock of the environment, while main forks; the child sets a
 * variable of its own, as daemons do before they exec, and waits for ever.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "environment lock (setenv)"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=setenv function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "malloc_gate.h"

static void worker_inside(void)
{
	gate_armed = 1;
	CHECK(setenv("CASE_WORKER", "busy", 1) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	CHECK(setenv("CASE_CHILD", "1", 1) == 0);
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
