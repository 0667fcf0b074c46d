/* A worker has cache_lock for writing while main forks. The child tries it again and again.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: rwlock - cache_lock
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_rwlock_trywrlock function=cache_enter<main
 *   count: 1
 * exit: 66
 * native: loops
 */
#include "case.h"

static pthread_rwlock_t cache_lock = PTHREAD_RWLOCK_INITIALIZER;

static void cache_fill(void)
{
	CHECK(pthread_rwlock_wrlock(&cache_lock) == 0);
	worker_stay();
	CHECK(pthread_rwlock_unlock(&cache_lock) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	cache_fill();
	return NULL;
}

static void cache_enter(void)
{
	while (pthread_rwlock_trywrlock(&cache_lock) != 0)
		sched_yield();
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		cache_enter();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
