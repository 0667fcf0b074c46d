/* A worker looks a service up by getservbyname() while main forks; the child looks one up too.
 *
 * expect: certain libc-lock-held-by-vanished-thread
 *   lock: libc - "getservbyname lock"
 *   holder: acquired_at=worker_inside<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=getservbyname function=child_work
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include <netdb.h>
#include "malloc_gate.h"

static void worker_inside(void)
{
	gate_armed = 1;
	getservbyname("http", "tcp");
}

static void *worker(void *unused)
{
	(void)unused;
	worker_inside();
	return NULL;
}

static void child_work(void)
{
	getservbyname("http", "tcp");
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
