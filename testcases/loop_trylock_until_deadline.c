/* The child tries a lock that a worker of the parent holds until a deadline has passed, and then does
 * without.
 *
 * expect: likely stale-lock-met
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_trylock function=cache_enter<main
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

static int is_past(const struct timespec *deadline)
{
	struct timespec now;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return now.tv_sec > deadline->tv_sec ||
	       (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

static int cache_enter(void)
{
	enum { PATIENCE_NS = 20000000 };
	struct timespec deadline;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &deadline) == 0);
	deadline.tv_nsec += PATIENCE_NS;
	while (pthread_mutex_trylock(&cache_mutex) != 0)
		if (is_past(&deadline))
			return 0;
	return 1;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(!cache_enter());
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
