/* A worker holds cache_mutex while main forks. The child tries it, sleeps, counts and tries again, through
 * a function of its own: neither the sleep nor the count leads out of the loop.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_trylock function=cache_try<cache_enter<main
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

static int cache_try(void)
{
	return pthread_mutex_trylock(&cache_mutex);
}

static unsigned cache_enter(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	unsigned tries = 1;

	while (cache_try() != 0) {
		nanosleep(&pause, NULL);
		tries++;
	}
	return tries;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(cache_enter() > 0);
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
