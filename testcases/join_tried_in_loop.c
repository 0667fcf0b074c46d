/* The child of _Fork() asks again and again whether a worker of its parent has ended, until its counter ends
 * that: it counts once.
 *
 * expect: likely stale-lock-met
 *   lock: thread - -
 *   holder: start_routine=worker
 *   fork: call=_Fork function=main
 *   victim: call=pthread_tryjoin_np function=pool_join<main
 *   count: 1
 * exit: 0
 */
#include "case.h"

static void *worker(void *unused)
{
	worker_stay();
	return unused;
}

static void pool_join(pthread_t thread)
{
	for (int i = 0; i < 100; i++)
		CHECK(pthread_tryjoin_np(thread, NULL) == EBUSY);
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
	worker_finish(thread);
	return 0;
}
