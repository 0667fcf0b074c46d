/* A pool whose queue is made of a futex, by syscall(): a worker sleeps while the count of jobs is 0. The
 * child adds one, wakes nobody, and waits for the answer on a futex of its own.
 *
 * expect: likely waker-vanished
 *   lock: futex - -
 *   holder: acquired_at=jobs_take<worker start_routine=worker created_at=main
 *   fork: call=fork function=main
 *   handed_over: kind=futex name=job_count call=syscall waiting_threads=1 function=jobs_add<child_run<main
 *   victim: function=child_run<main
 *   count: 1
 * exit: 0
 * native: hangs
 */
#include <linux/futex.h>

#include "case.h"

static int job_count;
static volatile pid_t worker_of_pool;

__attribute__((noinline)) static void jobs_take(void)
{
	while (__atomic_load_n(&job_count, __ATOMIC_ACQUIRE) == 0)
		syscall(SYS_futex, &job_count, FUTEX_WAIT_PRIVATE, 0, NULL);
}

__attribute__((noreturn)) static void *worker(void *unused)
{
	(void)unused;
	worker_of_pool = (pid_t)syscall(SYS_gettid);
	for (;;) {
		jobs_take();
		__atomic_fetch_sub(&job_count, 1, __ATOMIC_RELEASE);
	}
}

__attribute__((noinline)) static void jobs_add(void)
{
	__atomic_fetch_add(&job_count, 1, __ATOMIC_RELEASE);
	CHECK(syscall(SYS_futex, &job_count, FUTEX_WAKE_PRIVATE, 1) == 0);
}

__attribute__((noinline)) static void child_run(void)
{
	int answered = 0;

	jobs_add();
	while (!__atomic_load_n(&answered, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &answered, FUTEX_WAIT_PRIVATE, 0, NULL);
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(pthread_create(&thread, NULL, worker, NULL) == 0);
	while (!worker_of_pool)
		sched_yield();
	CHECK(wait_until_blocked(getpid(), worker_of_pool, &job_count, sizeof(job_count)));
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_run();
		_exit(0);
	}
	child_reap(pid);
	_exit(0);
}
