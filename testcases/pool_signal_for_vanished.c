/* The child starts a worker of its own on the inherited queue, whose condition variable still counts the
 * workers that stayed in the parent. The first signal wakes the child's worker; the second is for one of
 * those, and wakes nobody: worker and waiter sleep for ever.
 *
 * expect: likely waker-vanished
 *   lock: condvar - -
 *   holder: acquired_at=pool_take<pool_worker start_routine=pool_worker
 *   fork: call=fork function=main
 *   handed_over: kind=condvar name=pool_filled call=pthread_cond_signal function=pool_post<do_job
 *   victim: function=job_wait<do_job
 *   count: 1
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_take
 * exit: 0
 * native: hangs
 */
#include "pool_own_worker.h"

int main(void)
{
	pid_t pid;

	pool_start();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		own_worker_does_jobs(pool_post);
	pool_leave(pid);
}
