/* The child takes a mutex past the library, by a function that it looked up in libc itself: nothing inside
 * sees it wait. From outside the mutex names its owner, and the library's records tell who that was.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: mutex normal cache_mutex
 *   holder: acquired_at=cache_fill<worker created_at=worker_start<main start_routine=worker
 *   fork: call=fork function=main
 *   victim: function=cache_get<child<main
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "past_the_library.h"

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;
static int (*lock)(pthread_mutex_t *mutex);

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

static void cache_get(void)
{
	CHECK(lock(&cache_mutex) == 0);
}

static void child(void)
{
	cache_get();
	_exit(0);
}

int main(void)
{
	*(void **)&lock = past_the_library("pthread_mutex_lock");
	pthread_t thread = worker_start(worker);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		child();
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
