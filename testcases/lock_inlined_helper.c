/* The helpers that take the lock are inlined into their callers: no frame of their own exists, and
 * only the debug information tells that they were there.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal index_mutex
 *   holder: acquired_at=index_lock<index_scan<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=index_lock<index_find<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t index_mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((always_inline)) static inline void index_lock(void)
{
	CHECK(pthread_mutex_lock(&index_mutex) == 0);
}

__attribute__((always_inline)) static inline void index_scan(void)
{
	index_lock();
	worker_stay();
	CHECK(pthread_mutex_unlock(&index_mutex) == 0);
}

static void index_find(void)
{
	index_lock();
	CHECK(pthread_mutex_unlock(&index_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	index_scan();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		index_find();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
