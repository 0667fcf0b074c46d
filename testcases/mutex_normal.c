/* A worker holds cache_mutex while main forks. The child has only main's thread: no one is left
 * who could unlock the child's copy, so its cache_get() waits for ever.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker start_routine=worker created_at=worker_start<main name=filler
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=cache_get<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;

static void cache_fill(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

static void cache_get(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_setname_np(pthread_self(), "filler") == 0);
	cache_fill();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		cache_get();
		_exit(0);
	}
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
