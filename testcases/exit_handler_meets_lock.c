/* The child leaves by exit(), which runs the handlers that the parent registered; one of them takes a lock
 * that a worker of the parent holds. The child hangs on its way out, where no one looks.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal spool_mutex
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=spool_flush
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t spool_mutex = PTHREAD_MUTEX_INITIALIZER;

static void spool_flush(void)
{
	CHECK(pthread_mutex_lock(&spool_mutex) == 0);
	CHECK(pthread_mutex_unlock(&spool_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&spool_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&spool_mutex) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(atexit(spool_flush) == 0);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		exit(0);
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
