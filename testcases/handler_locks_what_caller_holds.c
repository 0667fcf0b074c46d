/* main forks while it holds pool_mutex, and the prepare handler takes it: fork never returns.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: mutex normal pool_mutex
 *   holder: acquired_at=pool_use<main start_routine=-
 *   fork: call=fork function=pool_use<main
 *   victim: call=pthread_mutex_lock function=pool_lock
 *   count: 1
 * exit: 66
 * native: hangs
 */
#include "case.h"

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;

static void pool_lock(void)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
}

static void pool_unlock(void)
{
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
}

static pid_t pool_use(void)
{
	pid_t pid;

	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
	pid = fork();
	CHECK(pthread_mutex_unlock(&pool_mutex) == 0);
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
	CHECK(pthread_atfork(pool_lock, pool_unlock, pool_unlock) == 0);
	pid = pool_use();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
