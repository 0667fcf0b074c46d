/* The child has a thread of its own, which sleeps on a condition variable that nobody signals; the other one
 * waits for the job that it gave to the pool without threads. The library, which could not know what the
 * thread would do, is silent; from outside it is seen that both wait for ever.
 *
 * expect: likely waker-vanished
 *   lock: condvar - -
 *   holder: acquired_at=pool_take<pool_worker start_routine=pool_worker
 *   fork: call=fork function=main
 *   handed_over: kind=condvar name=pool_filled call=pthread_cond_signal function=pool_post<child_run<main
 *   victim: function=job_wait<child_run<main
 *   count: 1
 * expect: possible lock-shared-with-vanished-thread
 *   lock: mutex normal pool_mutex
 *   victim: call=pthread_mutex_lock function=pool_post
 * exit: 0
 * native: hangs
 */
#include "pool.h"

static pthread_mutex_t idle_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;

__attribute__((noreturn)) static void *sleep_for_ever(void *unused)
{
	(void)unused;
	CHECK(pthread_mutex_lock(&idle_mutex) == 0);
	for (;;)
		CHECK(pthread_cond_wait(&idle, &idle_mutex) == 0);
}

__attribute__((noinline)) static void child_run(void)
{
	struct job job;
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, sleep_for_ever, NULL) == 0);
	job_init(&job);
	pool_post(&job);
	job_wait(&job);
}

int main(void)
{
	pid_t pid;

	pool_start();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_run();
		_exit(0);
	}
	pool_leave(pid);
}
