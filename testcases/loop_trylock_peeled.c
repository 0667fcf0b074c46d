/* The child tries a stale lock, and where that fails again and again from another place, as compilers lay out
 * a loop of tries, until its counter ends it: one finding, which tells the loop and not the first try.
 *
 * expect: likely stale-lock-met
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_trylock function=cache_retry<main
 *   count: 1
 * exit: 0
 */
#include "case.h"
#include <time.h>

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;

static void cache_fill(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

static void *worker(void *unused)
{
	cache_fill();
	return unused;
}

static int cache_try(void)
{
	return pthread_mutex_trylock(&cache_mutex);
}

static int cache_retry(void)
{
	const struct timespec pause = {.tv_nsec = 50000000};

	for (int i = 0; i < 10; i++) {
		nanosleep(&pause, NULL);
		if (pthread_mutex_trylock(&cache_mutex) == 0)
			return 0;
	}
	return EBUSY;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(cache_try() == EBUSY);
		CHECK(cache_retry() == EBUSY);
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
