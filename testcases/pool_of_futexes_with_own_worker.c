/* As pool_of_futexes, but the child has started a worker of its own, which sleeps as the vanished one did and
 * is woken: the answer comes.
 *
 * expect: nothing
 * exit: 0
 */
#include <linux/futex.h>

#include "case.h"

static int job_count, answered;
static volatile pid_t worker_of_pool;

static void *worker(void *unused)
{
	(void)unused;
	worker_of_pool = (pid_t)syscall(SYS_gettid);
	while (__atomic_load_n(&job_count, __ATOMIC_ACQUIRE) == 0)
		syscall(SYS_futex, &job_count, FUTEX_WAIT_PRIVATE, 0, NULL);
	__atomic_store_n(&answered, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &answered, FUTEX_WAKE_PRIVATE, 1);
	return NULL;
}

static void worker_begin(void)
{
	pthread_t thread;

	worker_of_pool = 0;
	CHECK(pthread_create(&thread, NULL, worker, NULL) == 0);
	while (!worker_of_pool)
		sched_yield();
	CHECK(wait_until_blocked(getpid(), worker_of_pool, &job_count, sizeof(job_count)));
}

static void child_run(void)
{
	worker_begin();
	__atomic_fetch_add(&job_count, 1, __ATOMIC_RELEASE);
	CHECK(syscall(SYS_futex, &job_count, FUTEX_WAKE_PRIVATE, 1) == 1);
	while (!__atomic_load_n(&answered, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &answered, FUTEX_WAIT_PRIVATE, 0, NULL);
}

int main(void)
{
	pid_t pid;

	worker_begin();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		child_run();
		_exit(0);
	}
	child_succeed(pid);
	_exit(0);
}
