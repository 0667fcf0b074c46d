/* A child handler without its prepare handler: it spins in the child on what a worker of the parent holds,
 * and the child never returns from fork.
 *
 * expect: certain lock-held-by-vanished-thread
 *   lock: spinlock - pool_spinlock initialised_at=main
 *   holder: acquired_at=worker start_routine=worker
 *   fork: call=fork function=main
 *   victim: call=pthread_spin_lock function=pool_reset
 *   count: 1
 * exit: 66
 */
#include "case.h"

#include <sys/resource.h>

static pthread_spinlock_t pool_spinlock;

/* A child that spins is ended by the kernel once it has used a second of CPU. */
static void limit_cpu(void)
{
	struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};

	CHECK(setrlimit(RLIMIT_CPU, &limit) == 0);
}

static void pool_reset(void)
{
	limit_cpu();
	CHECK(pthread_spin_lock(&pool_spinlock) == 0);
	CHECK(pthread_spin_unlock(&pool_spinlock) == 0);
}

static void *worker(void *unused)
{
	(void)unused;
	CHECK(pthread_spin_lock(&pool_spinlock) == 0);
	worker_stay();
	CHECK(pthread_spin_unlock(&pool_spinlock) == 0);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	pid_t pid;

	CHECK(pthread_spin_init(&pool_spinlock, PTHREAD_PROCESS_PRIVATE) == 0);
	thread = worker_start(worker);
	CHECK(pthread_atfork(NULL, NULL, pool_reset) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_reap(pid);
	worker_finish(thread);
	return 0;
}
