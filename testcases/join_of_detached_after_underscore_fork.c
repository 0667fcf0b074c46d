/* The twin of join_after_underscore_fork: the worker is detached, so the child's join is refused at once.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_detach(pthread_self()) == 0);
	worker_stay();
	return NULL;
}

static void pool_join(pthread_t thread)
{
	CHECK(pthread_join(thread, NULL) == EINVAL);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = _Fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		pool_join(thread);
		_exit(0);
	}
	child_succeed(pid);
	return 0;
}
