/* The child of _Fork() joins a worker of its parent. _Fork() leaves the worker's descriptor as it was:
 * running. The child waits for its end for ever.
 *
 * expect: certain waker-vanished
 *   lock: thread - -
 *   holder: start_routine=worker
 *   fork: call=_Fork function=main
 *   victim: call=pthread_join function=pool_join<main
 *   count: 1
 * exit: 66
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
	pid_t pid = _Fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		pool_join(thread);
		_exit(0);
	}
	child_kill_when_blocked(pid);
	worker_finish(thread);
	return 0;
}
