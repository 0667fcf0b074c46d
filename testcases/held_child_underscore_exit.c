/* A worker holds a lock while main forks; the child calls only async-signal-safe functions and leaves by
 * _exit().
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t stats_mutex = PTHREAD_MUTEX_INITIALIZER;

static void stats_collect(void)
{
	CHECK(pthread_mutex_lock(&stats_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&stats_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	stats_collect();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(write(STDERR_FILENO, "", 0) == 0);
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
