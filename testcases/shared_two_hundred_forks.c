/* A worker uses cache_mutex; of two hundred children none happens to find it held. One fault, counted.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_use<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=cache_use<main
 *   count: 200
 * exit: 0
 */
#include "case.h"

enum { FORKS = 200 };

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;

static void cache_use(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	cache_use();
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);

	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			cache_use();
			_exit(0);
		}
		child_succeed(pid);
	}
	worker_finish(thread);
	return 0;
}
