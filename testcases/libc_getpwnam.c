/* A worker looks a user up by getpwnam(), which holds a lock over its static result, while main forks; the
 * child looks one up to drop its privileges.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "getpwnam lock"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=getpwnam function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include <pwd.h>
#include "malloc_gate.h"

static void worker_inside(void)
{
	gate_armed = 1;
	CHECK(getpwnam("root") != NULL);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	CHECK(getpwnam("root") != NULL);
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
