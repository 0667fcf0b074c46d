/* As pool_of_vanished_workers, in a program that catches SIGTERM: by that somebody asks it to end, nobody
 * does its jobs.
 *
 * expect: likely waker-vanished
 *   lock: condvar - -
 *   holder: acquired_at=pool_take<pool_worker
 *   handed_over: kind=condvar name=pool_filled call=pthread_cond_signal function=pool_post<child_run<main
 *   victim: call=pthread_cond_wait function=job_wait<child_run<main
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * exit: 0
 * native: hangs
 */
#include "pool.h"

static void on_signal(int number)
{
	(void)number;
}

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

	CHECK(signal(SIGTERM, on_signal) != SIG_ERR);
	pool_start();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_run();
		_exit(0);
	}
	pool_leave(pid);
}
