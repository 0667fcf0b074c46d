/* The library's lock is covered as POSIX intended: the prepare handler takes it, so no other thread can
 * hold it at the fork, and parent and child each let go of it. The fork even waits for a worker that
 * holds the lock when fork is called.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;

static void pool_prepare(void)
{
	pthread_barrier_wait(&worker_done);
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
}

static void pool_release(void)
{
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
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

	CHECK(pthread_atfork(pool_prepare, pool_release, pool_release) == 0);
	pid = fork();
	CHECK(pid >= 0);
	pool_use();
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
