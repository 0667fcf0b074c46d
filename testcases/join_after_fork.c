/* The child of fork() joins a worker of its parent. fork() marks the descriptors of vanished threads as
 * ended, so the join returns at once: nothing hangs, and no fault is claimed.
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
	CHECK(pthread_join(thread, NULL) == 0);
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
