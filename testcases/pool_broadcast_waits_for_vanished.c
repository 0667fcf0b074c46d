/* The child starts a worker of its own on the inherited queue and wakes it by broadcasts. The condition
 * variable still counts the workers that stayed in the parent: the second broadcast waits until those that
 * the first one woke have left it, for ever.
 *
 * expect: likely waker-vanished
 *   lock: condvar - pool_filled
 *   holder: acquired_at=pool_take<pool_worker start_routine=pool_worker
 *   fork: call=fork function=main
 *   victim: function=pool_post_to_all<do_job
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
		own_worker_does_jobs(pool_post_to_all);
	pool_leave(pid);
}
