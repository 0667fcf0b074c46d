/* As pool_of_vanished_workers, but the child waits for the end of its job on what a worker has signalled
 * before: that a vanished thread would have ended this very wait is proven.
 *
 * expect: certain waker-vanished
 *   lock: condvar - job.ended
 *   holder: acquired_at=job_end<pool_worker start_routine=pool_worker
 *   fork: call=fork function=main
 *   handed_over: kind=condvar name=pool_filled call=pthread_cond_signal function=pool_post<child_run<main
 *   victim: call=pthread_cond_wait function=job_wait<child_run<main
 *   count: 1
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal job.mutex
 *   victim: call=pthread_mutex_lock function=job_wait
 * exit: 66
 * native: hangs
 */
#include "pool.h"

static struct job job;

__attribute__((noinline)) static void child_run(void)
{
	job.has_ended = 0;
	pool_post(&job);
	job_wait(&job);
}

int main(void)
{
	pid_t pid;

	pool_start();
	job_init(&job);
	pool_post(&job);
	job_wait(&job);
	pool_settle();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_run();
		_exit(0);
	}
	pool_leave(pid);
}
