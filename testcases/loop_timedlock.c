/* A worker holds cache_mutex while main forks. The child waits for it with a time limit, and when that has
 * passed it waits again, for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_timedlock function=cache_enter<main
 *   count: 1
 * exit: 66
 * native: loops
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

static void cache_enter(void)
{
	enum { PATIENCE_NS = 1000000, SECOND_NS = 1000000000 };
	struct timespec limit;

	do {
		clock_gettime(CLOCK_REALTIME, &limit);
		limit.tv_nsec += PATIENCE_NS;
		if (limit.tv_nsec >= SECOND_NS) {
			limit.tv_nsec -= SECOND_NS;
			limit.tv_sec++;
		}
	} while (pthread_mutex_timedlock(&cache_mutex, &limit) != 0);
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
