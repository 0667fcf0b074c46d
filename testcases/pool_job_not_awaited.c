/* The child gives a job to the pool without threads, does not wait for it, and ends well: nothing happened.
 * Only the mutex, free by luck, is told.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * exit: 0
 */
#include "pool.h"

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
		_exit(0);
	}
	pool_leave(pid);
}
