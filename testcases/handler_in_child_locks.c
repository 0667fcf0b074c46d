/* A child handler without its prepare handler: it locks in the child what a worker of the parent holds,
 * and the child never returns from fork.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal pool_mutex
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=pool_reset
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;

static void pool_reset(void)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	CHECK(pthread_atfork(NULL, NULL, pool_reset) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
