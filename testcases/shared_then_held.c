/* At the first fork cache_mutex happens to be free; at the second one, from the same place, the worker holds
 * it and the child hangs. One lock, one fork: the luck of the first is not told beside the proof of the
 * second.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=child_make<main
 *   victim: call=pthread_mutex_lock function=cache_use<child_make<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;

static void cache_use(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

static pthread_barrier_t first_over, second_may;

static void *worker(void *unused)
{
	(void)unused;
	cache_use();
	worker_stay();
	pthread_barrier_wait(&first_over);
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	pthread_barrier_wait(&second_may);
	pthread_barrier_wait(&first_over);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
	return NULL;
}

static pid_t child_make(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		cache_use();
		_exit(0);
	}
	return pid;
}

int main(void)
{
	pthread_t thread;

	CHECK(pthread_barrier_init(&first_over, NULL, 2) == 0);
	CHECK(pthread_barrier_init(&second_may, NULL, 2) == 0);
	thread = worker_start(worker);
	for (int i = 0; i < 2; i++) {
		child_reap(child_make());
		if (i == 0) {
			pthread_barrier_wait(&worker_done);
			pthread_barrier_wait(&first_over);
			pthread_barrier_wait(&second_may);
		}
	}
	pthread_barrier_wait(&first_over);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
