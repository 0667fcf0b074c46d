/* The child tries a lock that a worker of the parent holds, five thousand times, and then does without.
 * However many tries those are, they come to an end.
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

/* Tries that are counted in a register or on the stack: whichever the compiler takes. */
static int cache_enter(int tries_max)
{
	for (int tries = 0; tries < tries_max; tries++) {
		if (pthread_mutex_trylock(&cache_mutex) == 0)
			return 1;
		sched_yield();
	}
	return 0;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(!cache_enter(5000));
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
