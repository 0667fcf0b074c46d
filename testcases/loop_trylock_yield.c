/* A worker holds cache_mutex while main forks. The child tries it again and again and lets others run in
 * between, as one does to dodge a deadlock: there are no others any more, and nothing ends the loop.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_trylock function=cache_enter<main
 *   count: 1
 * exit: 66
 * native: loops
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

static void cache_enter(void)
{
	while (pthread_mutex_trylock(&cache_mutex) != 0)
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
