/* The child of _Fork() joins a worker of its parent, by a call that may have a time limit but is given none.
 * It waits for the worker's end for ever.
 *
 * expect: certain waker-vanished
 *   lock: thread - -
 *   holder: start_routine=worker
 *   fork: call=_Fork function=main
 *   victim: call=pthread_clockjoin_np function=pool_join<main
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
	CHECK(pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, NULL) == 0);
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
