/* The child gives a job to the pool without threads and does not wait for it. It hangs over a mutex that it
 * takes twice: of that the pool is not the cause.
 *
 * expect: note other-deadlock
 *   lock: mutex normal table_mutex
 *   victim: call=pthread_mutex_lock function=table_read<main
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * exit: 0
 */
#include "pool.h"

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((noinline)) static void table_read(void)
{
	CHECK(pthread_mutex_lock(&table_mutex) == 0);
}

int main(void)
{
	struct job job;
	pid_t pid;

	pool_start();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		job_init(&job);
		pool_post(&job);
		CHECK(pthread_mutex_lock(&table_mutex) == 0);
		table_read();
		_exit(0);
	}
	child_kill_when_blocked(pid);
	_exit(0);
}
