/* The twin: made by fork(), whose handlers wait until the worker has let go.
 *
 * expect: nothing
 * exit: 0
 */
#include "case.h"

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;

static void pool_lock(void)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
}

static void pool_unlock(void)
{
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
}

static void *worker(void *unused)
{
	pool_lock();
	worker_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&worker_ready);
	wait_until_blocked(getpid(), getpid(), &pool_mutex, sizeof(pool_mutex));
	pool_unlock();
	return unused;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(pthread_atfork(pool_lock, pool_unlock, pool_unlock) == 0);
	thread = worker_start(worker);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pool_lock();
		_exit(0);
	}
	child_succeed(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
