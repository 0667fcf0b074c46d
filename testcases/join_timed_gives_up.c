/* The child of _Fork() joins a worker of its parent: it tries, and then waits with a time limit that is over.
 * Neither comes to anything, ever.
 *
 * expect: likely stale-lock-met
 *   lock: thread - -
 *   holder: start_routine=worker
 *   fork: call=_Fork function=main
 *   victim: call=pthread_tryjoin_np function=pool_join<main
 *   count: 1
 * expect: likely stale-lock-met
 *   lock: thread - -
 *   holder: start_routine=worker
 *   fork: call=_Fork function=main
 *   victim: call=pthread_timedjoin_np function=pool_join<main
 *   count: 1
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
	struct timespec past = {0, 0};

	CHECK(pthread_tryjoin_np(thread, NULL) == EBUSY);
	CHECK(pthread_timedjoin_np(thread, NULL, &past) == ETIMEDOUT);
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
