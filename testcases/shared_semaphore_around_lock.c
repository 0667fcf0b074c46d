/* A worker takes an item from a semaphore that main posts, and keeps that for good; later it uses
 * cache_mutex. Main has taken an item, too, when it forks: that keeps the worker from nothing, and the child,
 * which finds cache_mutex free, was lucky.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_use<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=cache_use<main
 *   count: 1
 * exit: 0
 */
#include "case.h"
#include <semaphore.h>

static sem_t items;
static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;

static void cache_use(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(sem_wait(&items) == 0);
	cache_use();
	worker_stay();
	return NULL;
}

int main(void)
{
	CHECK(sem_init(&items, 0, 0) == 0);
	CHECK(sem_post(&items) == 0);
	CHECK(sem_post(&items) == 0);
	CHECK(sem_wait(&items) == 0);
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		cache_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
