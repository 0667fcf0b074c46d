/* The child tries a lock that a worker of the parent holds, while a second thread of the child initialises
 * it anew: the loop ends, though nothing in it could.
 *
 * expect: likely stale-lock-met
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_trylock function=cache_enter<use_cache<main
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

static volatile unsigned tries;

static void *reset_later(void *unused)
{
	(void)unused;
	while (tries < 1000)
		sched_yield();
	CHECK(pthread_mutex_init(&cache_mutex, NULL) == 0);
	return NULL;
}

static void cache_enter(void)
{
	while (pthread_mutex_trylock(&cache_mutex) != 0)
		tries++;
}

static void use_cache(void)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, reset_later, NULL) == 0);
	cache_enter();
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		use_cache();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
