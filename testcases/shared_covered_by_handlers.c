/* A live worker has used cache_mutex; fork handlers take it before the fork and release it on both sides. The
 * child may use it.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;

static void cache_use(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

static void cache_lock(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
}

static void cache_unlock(void)
{
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
	pid_t pid;

	CHECK(pthread_atfork(cache_lock, cache_unlock, cache_unlock) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		cache_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
