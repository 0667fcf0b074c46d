/* One worker holds two locks, taken in two places; the child meets the second one. The place to name is where
 * that lock was taken. The first one was held as well, and is told as luck.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal inner_mutex
 *   holder: acquired_at=inner_lock<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=inner_lock<main
 *   count: 1
 * expect: possible lock-held-at-fork
 *   lock: mutex normal outer_mutex
 *   holder: acquired_at=outer_lock<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=inner_lock<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t outer_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t inner_mutex = PTHREAD_MUTEX_INITIALIZER;

static void outer_lock(void)
{
	CHECK(pthread_mutex_lock(&outer_mutex) == 0);
}

static void inner_lock(void)
{
	CHECK(pthread_mutex_lock(&inner_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	outer_lock();
	inner_lock();
	worker_stay();
	CHECK(pthread_mutex_unlock(&inner_mutex) == 0);
	CHECK(pthread_mutex_unlock(&outer_mutex) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		inner_lock();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
