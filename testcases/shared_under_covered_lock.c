/* A worker uses cache_mutex only inside of guard_mutex, which main holds while it forks: nobody could have
 * cache_mutex then.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t guard_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t cache_mutex = PTHREAD_MUTEX_INITIALIZER;

static void cache_use(void)
{
	CHECK(pthread_mutex_lock(&cache_mutex) == 0);
	CHECK(pthread_mutex_unlock(&cache_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&guard_mutex) == 0);
	cache_use();
	CHECK(pthread_mutex_unlock(&guard_mutex) == 0);
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	CHECK(pthread_mutex_lock(&guard_mutex) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		cache_use();
		_exit(0);
	}
	CHECK(pthread_mutex_unlock(&guard_mutex) == 0);
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
