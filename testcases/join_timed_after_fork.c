/* The twin of join_timed_gives_up: after fork() the worker counts as ended.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

static void pool_join(pthread_t thread)
{
	CHECK(pthread_tryjoin_np(thread, NULL) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		pool_join(thread);
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
