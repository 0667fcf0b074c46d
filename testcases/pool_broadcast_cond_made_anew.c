/* As pool_broadcast_waits_for_vanished, but the child makes the condition variable anew before its worker
 * sleeps on it: broadcasts wait for nobody. Only the mutex, free by luck, is told.
 *
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_take
 * exit: 0
 */
#include "pool_own_worker.h"

int main(void)
{
	pid_t pid;

	pool_start();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_cond_init(&pool_filled, NULL) == 0);
		own_worker_does_jobs(pool_post_to_all);
	}
	pool_leave(pid);
}
