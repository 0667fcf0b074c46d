/* The thread that used cache_mutex has ended; the one that is alive at the fork never touched it, and does
 * not inherit that past with the same stack and the same record.
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

static void *user(void *unused)
{
	cache_use();
	return unused;
}

static void *worker(void *unused)
{
	(void)unused;
	worker_stay();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(pthread_create(&thread, NULL, user, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	thread = worker_start(worker);
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
