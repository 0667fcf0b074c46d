/* As with one thread, a recursive mutex taken in the prepare handler cannot be let go in the child handler:
 * EPERM. The worker, which vanished, held nothing and is not to blame; the mutex names main's old thread id.
 *
 * expect: certain owner-is-parent-thread
 *   lock: mutex recursive pool_mutex
 *   holder: acquired_at=pool_prepare
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_unlock function=pool_release
 *   count: 1
 * exit: 66
 */
#include "case.h"

static pthread_mutex_t pool_mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void pool_prepare(void)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
}

static void pool_release(void)
{
	pthread_mutex_unlock(&pool_mutex);
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	CHECK(pthread_atfork(pool_prepare, pool_release, pool_release) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(pthread_mutex_trylock(&pool_mutex) == 0);
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
	worker_finish(thread);
	return 0;
}
