/* A worker of a pool waits on a condition variable while main forks. The child destroys its copy, which waits
 * for those who wait: for the worker, for ever.
 *
 * expect: certain waker-vanished
 *   lock: condvar - wake_up
 *   holder: acquired_at=idle<worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_cond_destroy function=pool_destroy<main
 *   count: 1
 * exit: 66
 */
#include "case.h"

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake_up = PTHREAD_COND_INITIALIZER;
static int is_over;

static void idle(void)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	worker_tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&worker_ready);
	while (!is_over)
		CHECK(pthread_cond_wait(&wake_up, &pool_mutex) == 0);
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
}

static void pool_destroy(void)
{
	CHECK(pthread_cond_destroy(&wake_up) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	idle();
	return NULL;
}

int main(void)
{
	pthread_t thread = worker_start(worker);
	pid_t pid;

	CHECK(wait_until_blocked(getpid(), worker_tid, &wake_up, sizeof(wake_up)));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pool_destroy();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	is_over = 1;
	CHECK(pthread_cond_signal(&wake_up) == 0);
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
