/* The lock and the thread are those of C11, whose functions reach glibc's own without passing through the
 * pthread symbols. The child waits for ever all the same.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal cache_mutex initialised_at=cache_init<main
 *   holder: acquired_at=cache_fill<worker start_routine=worker created_at=main
 *   fork: call=fork function=main
 *   victim: call=mtx_lock function=cache_get<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"
#include <threads.h>

static mtx_t cache_mutex;

static void cache_init(void)
{
	CHECK(mtx_init(&cache_mutex, mtx_plain) == thrd_success);
}

static void cache_fill(void)
{
	CHECK(mtx_lock(&cache_mutex) == thrd_success);
	worker_stay();
	CHECK(mtx_unlock(&cache_mutex) == thrd_success);
}

static void cache_get(void)
{
	CHECK(mtx_lock(&cache_mutex) == thrd_success);
	CHECK(mtx_unlock(&cache_mutex) == thrd_success);
}

static int worker(void *unused)
{
	(void)unused;
	cache_fill();
	return 0;
}

int main(void)
{
	thrd_t thread;
	pid_t pid;

	cache_init();
	CHECK(pthread_barrier_init(&worker_ready, NULL, 2) == 0);
	CHECK(pthread_barrier_init(&worker_done, NULL, 2) == 0);
	CHECK(thrd_create(&thread, worker, NULL) == thrd_success);
	pthread_barrier_wait(&worker_ready);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		cache_get();
		_exit(0);
	}
	child_reap(pid);
	pthread_barrier_wait(&worker_done);
	CHECK(thrd_join(thread, NULL) == thrd_success);
	return 0;
}
