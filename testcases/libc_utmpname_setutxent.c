/* A worker chooses another file for user accounting while main forks; the child begins to
 * read the entries, by the name that POSIX gives that.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "user accounting lock (setutent)"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=setutxent function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include <utmp.h>
#include <utmpx.h>
#include "malloc_gate.h"

static void worker_inside(void)
{
	gate_armed = 1;
	CHECK(utmpname("/dev/null") == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	setutxent();
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
