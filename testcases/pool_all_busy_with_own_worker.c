/* All workers of the pool are at work when main forks. The child gives it a job, then starts a worker of its
 * own on the same queue, which does the job without ever sleeping. Only the mutex, free by luck, is told.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * exit: 0
 */
#include "pool_busy.h"

static void child_run(void)
{
	struct job job;
	pthread_t thread;

	job_init(&job);
	pool_post(&job);
	CHECK(pthread_create(&thread, NULL, pool_worker, (void *)&pool_tids[0]) == 0);
	job_wait(&job);
}

int main(void)
{
	pid_t pid;

	pool_start();
	pool_keep_busy();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_run();
		_exit(0);
	}
	pool_leave(pid);
}
