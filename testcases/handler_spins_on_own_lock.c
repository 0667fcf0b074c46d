/* main forks while it has pool_spinlock, and the prepare handler spins on it: fork never returns.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: spinlock - pool_spinlock
 *   holder: acquired_at=pool_use<main start_routine=-
 *   fork: call=fork function=pool_use<main
 *   victim: call=pthread_spin_lock function=pool_lock
 *   count: 1
 * exit: 66
 */
#include "case.h"

#include <sys/resource.h>

static pthread_spinlock_t pool_spinlock;

/* A process that spins is ended by the kernel once it has used a second of CPU. */
static void limit_cpu(void)
{
	struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};

	CHECK(setrlimit(RLIMIT_CPU, &limit) == 0);
}

static void pool_lock(void)
{
	limit_cpu();
	CHECK(pthread_spin_lock(&pool_spinlock) == 0);
}

static void pool_unlock(void)
{
	CHECK(pthread_spin_unlock(&pool_spinlock) == 0);
}

static pid_t pool_use(void)
{
	pid_t pid;

	CHECK(pthread_spin_lock(&pool_spinlock) == 0);
	pid = fork();
	CHECK(pthread_spin_unlock(&pool_spinlock) == 0);
	return pid;
}

int main(int argc, char *argv[])
{
	pid_t pid;

	(void)argv;
	if (argc == 1) {
		story_play();
		return 0;
	}
	CHECK(pthread_spin_init(&pool_spinlock, PTHREAD_PROCESS_PRIVATE) == 0);
	CHECK(pthread_atfork(pool_lock, pool_unlock, pool_unlock) == 0);
	pid = pool_use();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
