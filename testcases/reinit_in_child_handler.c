/* The library that owns the lock has a child handler that makes the lock anew. Whoever held it in the parent,
 * the child finds it free.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;

static void pool_reset(void)
{
	CHECK(pthread_mutex_init(&pool_mutex, NULL) == 0);
}

static void pool_use(void)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	worker_stay();
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	CHECK(pthread_atfork(NULL, NULL, pool_reset) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pool_use();
		_exit(0);
	}
	child_succeed(pid);
	worker_finish(thread);
	return 0;
}
