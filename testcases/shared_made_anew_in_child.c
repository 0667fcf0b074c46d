/* A live worker has used cache_mutex; the child initialises it anew before it uses it.
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

	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_mutex_init(&cache_mutex, NULL) == 0);
		cache_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
