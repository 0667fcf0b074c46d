/* A worker has taken the only unit of a semaphore that serves as a lock while main forks. The child tries
 * to take it, again and again.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: semaphore - cache_units initialised_at=main
 *   holder: acquired_at=cache_fill<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=sem_trywait function=cache_enter<main
 *   count: 1
 * exit: 66
 * native: loops
 */
#include "case.h"
#include <semaphore.h>

static sem_t cache_units;

static void cache_fill(void)
{
	CHECK(sem_wait(&cache_units) == 0);
	worker_stay();
	CHECK(sem_post(&cache_units) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	cache_fill();
	return NULL;
}

static void cache_enter(void)
{
	while (sem_trywait(&cache_units) != 0)
		sched_yield();
}

int main(void)
{
	CHECK(sem_init(&cache_units, 0, 1) == 0);
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
