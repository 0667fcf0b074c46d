/* The parent handler takes pool_mutex, which the prepare handler took, instead of releasing it: the child is
 * made, and the parent never comes back.
 *
 * expect: certain atfork-handler-deadlock
 *   lock: mutex normal pool_mutex
 *   holder: acquired_at=pool_lock
 *   fork: call=fork function=main
 *   victim: call=pthread_mutex_lock function=pool_lock_again
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

static void pool_lock_again(void)
{
	CHECK(pthread_mutex_lock(&pool_mutex) == 0);
}

int main(int argc, char *argv[])
{
	pid_t pid;

	(void)argv;
	if (argc == 1) {
		story_play();
		return 0;
	}
	CHECK(pthread_atfork(pool_lock, pool_lock_again, pool_unlock) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeed(pid);
	return 0;
}
