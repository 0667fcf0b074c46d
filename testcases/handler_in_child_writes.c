/* A child handler without its prepare handler: it wants to write in the child where a worker of the parent
 * reads, and the child never returns from fork.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: rwlock - pool_rwlock
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_rwlock_wrlock function=pool_reset
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_rwlock_t pool_rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void pool_reset(void)
{
	CHECK(pthread_rwlock_wrlock(&pool_rwlock) == 0);
	CHECK(pthread_rwlock_unlock(&pool_rwlock) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_rwlock_rdlock(&pool_rwlock) == 0);
	worker_stay();
	CHECK(pthread_rwlock_unlock(&pool_rwlock) == 0);
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
