/* A worker sets the domain of the messages while main forks; the child looks a message up
 * (the header makes gettext() a call of dcgettext()).
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "message catalogues lock (gettext)"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=dcgettext function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include <libintl.h>
#include "malloc_gate.h"

static void worker_inside(void)
{
	gate_armed = 1;
	CHECK(textdomain("case") != NULL);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	CHECK(strcmp(gettext("hello"), "hello") == 0);
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
