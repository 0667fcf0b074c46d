/* All workers of the pool are at work when main forks, and none sleeps on its queue. The child gives it a job
 * and waits for its end: only workers that vanished have ever slept where it signals.
 *
 * expect: likely waker-vanished
 *   lock: condvar - -
 *   holder: acquired_at=pool_take<pool_worker start_routine=pool_worker created_at=pool_start<main
 *   fork: call=fork function=main
 *   handed_over: kind=condvar name=pool_filled call=pthread_cond_signal waiting_threads=0 function=pool_post
 *   victim: call=pthread_cond_wait function=job_wait<child_run<main
 *   count: 1
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * exit: 0
 * native: hangs
 */
#include "pool_busy.h"

__attribute__((noinline)) static void child_run(void)
{
	struct job job;

	job_init(&job);
	pool_post(&job);
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
