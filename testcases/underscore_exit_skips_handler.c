/* The child leaves by _exit(), as a forked child should: the parent's exit handlers, one of which would take
 * a lock that a worker holds, do not run in it.
 *
 * expect: nothing
 * exit: 0
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
		_exit(0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
