/* The child waits with a time limit for a lock that a worker of the parent holds, three times, and then
 * does without.
 *
 * expect: likely stale-lock-met
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_timedlock function=cache_enter<main
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
	(void)unused;
	cache_fill();
	return NULL;
}

static int cache_enter(int tries)
{
	struct timespec limit;

	while (tries-- > 0) {
		CHECK(clock_gettime(CLOCK_REALTIME, &limit) == 0);
		if (pthread_mutex_timedlock(&cache_mutex, &limit) == 0)
			return 1;
	}
	return 0;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(!cache_enter(3));
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
