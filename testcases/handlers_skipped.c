/* Fork handlers cover pool_mutex, but the child is made by _Fork(), which runs none: the child waits for ever
 * for what a worker holds.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal pool_mutex
 *   holder: acquired_at=pool_lock<worker start_routine=worker
 *   fork: call=_Fork function=main
 *   victim: call=pthread_mutex_lock function=pool_lock<main
 *   count: 1
 * notice: fork-skips-handlers
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;

static void pool_lock(void)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
}

static void pool_unlock(void)
{
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
}

static void *worker(void *unused)
{
	pool_lock();
	worker_stay();
	pool_unlock();
	return unused;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(pthread_atfork(pool_lock, pool_unlock, pool_unlock) == 0);
	thread = worker_start(worker);
	pid = _Fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pool_lock();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
